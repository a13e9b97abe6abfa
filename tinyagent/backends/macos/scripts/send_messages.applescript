-- Sends one text to each number: by SMS where an iPhone forwards it, else by iMessage.
-- argv: the text; how many numbers; the numbers
-- Returns the kind of account that sent them.
on run argv
	set messageText to item 1 of argv
	set total to (item 2 of argv) as integer
	set failures to {}
	tell application "Messages"
		set sendingBy to "SMS"
		set found to every account whose service type is SMS and enabled is true
		if found is {} then
			set sendingBy to "iMessage"
			set found to every account whose service type is iMessage and enabled is true
		end if
		if found is {} then error "no account is signed in; sign in in its settings" number 1001
		set via to item 1 of found
		repeat with i from 3 to 2 + total
			set oneNumber to item i of argv
			try
				send messageText to participant oneNumber of via
			on error reason
				set end of failures to oneNumber & " (" & reason & ")"
			end try
		end repeat
	end tell
	if failures is not {} then
		set AppleScript's text item delimiters to "; "
		error ("of " & total & " texts, not sent: " & (failures as text)) number 1001
	end if
	return sendingBy
end run
