"""Files that a server cannot take, written as Markdown or text before they are sent."""
