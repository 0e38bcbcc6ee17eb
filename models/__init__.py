"""Chapter 2: from numbers to a calibrated, explained probability.

This chapter owns what a model is: learners that give log-odds and say which behaviour they came from, the calibration that makes
a probability of them, the words of the reasons, and the folder of text in which a model travels. It never knows how a learner
was chosen, or who asks over HTTP. It runs code only; what it reads from a folder is data, read strictly.

Read `scorer.py` first: the object that training and serving share. Then, in this order:

- **Learners.** `learners.py` is the protocol and the fits; `scorecard.py` with `scorecard_fit.py`; `logistic.py` with `design.py`
  and `ridge.py`; `varying.py`; `trees.py` with `forest.py`, `shapley.py`, `tree_kernel.py` (every loop over trees), `cores.py`,
  `tree_format.py` and `directions.py`; `blend.py`. `columns.py` says what they read.
- **Probability.** `calibration.py` is the curve, `calibration_fit.py` how it is fitted, `reference.py` what it is compared with.
- **Reasons.** `explanation.py` with `path_rule.py` shares a probability out; `reasons.py` chooses what to say, `phrasing.py`
  says it in the words of `phrases/`; `stages.py` with `thresholds.py`, `doubts.py` and `answer.py` complete the record that files
  and HTTP give.
- **Why it changed.** `changes.py` is the split, `change_reasons.py` and `change_phrasing.py` say it; `what_if.py` imagines
  what did not happen, `possible.py` says what cannot.
- **What to do.** `playbook.py` reads the plays of `plays/`; `usual_events.py` tells their behaviours as events to imagine,
  `next_step.py` ranks them for a lead, `listed_steps.py` for those of a list; `hold_out.py` draws the lot.
- **At rest.** `artifact.py` is the folder, with `strict.py` and `golden.py`; `registry/` alone knows MLflow, `pyfunc.py` and
  `codes.py` are how MLflow's tools see a model; `versions.py` with `version_table.py` is `promote`, `rollback` and `models`.
- **For many.** `champion.py`, `population.py`, `batch.py` and `outfile.py` are `features` and `score`; `worklist.py` with
  `steady.py` and `spreadsheet.py` is `list`; `opened.py` with `opened_changes.py`, `opened_what_if.py` and `fit.py` is what
  notebooks ask, `live_place.py` where a lead stands among all that are open.
- **What must hold.** `laws.py`: run `check_scorer` on a model of your own.
"""
