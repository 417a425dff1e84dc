"""One instrument a file. A driver needs nothing of labcool but its errors and its clock."""
