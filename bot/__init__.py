"""People: channels, turns, conversation, actions, web, command line."""
