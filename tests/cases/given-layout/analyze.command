analyze --layout '{asctime} | {levelname:<8} | {process} | {name}: {message}' input.log
