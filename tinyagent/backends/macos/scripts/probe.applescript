-- Asks one application a harmless question, to see whether it may be automated.
-- argv: the application's name
-- Returns a number.
on run argv
	set asked to item 1 of argv
	if asked is "Contacts" then
		tell application "Contacts" to return count of groups
	else if asked is "Calendar" then
		tell application "Calendar" to return count of calendars
	else if asked is "Reminders" then
		tell application "Reminders" to return count of lists
	else if asked is "Mail" then
		tell application "Mail" to return count of accounts
	else if asked is "Messages" then
		tell application "Messages" to return count of accounts
	else if asked is "Notes" then
		tell application "Notes" to return count of folders
	end if
	error ("no question is known for " & asked) number 1001
end run
