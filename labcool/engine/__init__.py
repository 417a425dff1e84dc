"""How a run is carried out: procedure, control, recorder, runner and the events they send."""
