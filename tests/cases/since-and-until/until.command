verify --until 2026-03-04T03:00:02 input.log
