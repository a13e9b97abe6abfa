-- Tells which message is selected in Mail.
-- argv: nothing
-- Returns lines: its id, its sender, the address that a reply goes to, its date, its subject.
on run argv
	tell application "Mail"
		set chosen to selection
		if chosen is {} or chosen is missing value then error "no message is selected" number -1728
		set original to item 1 of chosen
		set answer to (message id of original) & linefeed & (sender of original)
		set answer to answer & linefeed & (reply to of original)
		return answer & linefeed & ((date sent of original) as text) & linefeed & (subject of original)
	end tell
end run
