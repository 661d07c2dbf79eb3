"""coursework: assignments whose numbers are every student's own, marked by exact truths and by the honesty of the bars.

The sandbox says numbers, never verdicts; nothing is hidden but the seeds; a right answer is right for one student only.
Read in this order:
- `draws`, `course`  Which numbers are this student's, and what does the course's folder hold?
- `assignments`, `lattice`, `propagation`, `nnft`, `rg`, `neuralrg`, `transitions`  What is asked, and what is
  the truth?
- `release`, `separation`  A notebook for each student.  Are their truths far enough apart?
- `intake`, `owners`  What was handed in, and by whom?
- `frames`, `calls`, `worker`, `cage`, `sandbox`, `library`  Where does a stranger's code run, and what can it see?
- `marking`, `rehearsal`  A question asked, an answer weighed: for the lecturer, and for the student beforehand.
- `alike`, `late`, `pages`, `grade`  From marks to grades, pages and a view of the class.
"""
