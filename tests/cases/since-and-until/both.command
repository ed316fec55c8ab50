analyze --since 2026-03-04T03:00:01 --until 2026-03-04T03:00:04 input.log
