-- Makes a reminder.
-- argv: name; notes; list ("" is the default one); priority (0, 1, 5 or 9);
--       "none", "day" or "time"; the due date as year, month, day, hours, minutes (0 for none)
-- Returns the name of the list, and on a second line the reminder's id.
on run argv
	set {reminderName, reminderNotes, listName, reminderPriority, dueKind} to items 1 thru 5 of argv
	set dueParts to items 6 thru 10 of argv
	if dueKind is not "none" then set dueDate to dateFrom(dueParts)
	tell application "Reminders"
		if listName is "" then
			set target to default list
		else
			set found to every list whose name is listName
			if found is {} then error ("there is no list " & quote & listName & quote) number -1728
			set target to item 1 of found
		end if
		set made to make new reminder at end of reminders of target with properties {name:reminderName, body:reminderNotes, priority:(reminderPriority as integer)}
		if dueKind is "day" then
			set allday due date of made to dueDate
		else if dueKind is "time" then
			set due date of made to dueDate
			set remind me date of made to dueDate
		end if
		return (name of target) & linefeed & (id of made)
	end tell
end run

on dateFrom(parts)
	set {y, m, d, h, n} to parts
	set made to current date
	-- Day 1 first: on the 31st, setting the month to June would give July.
	set day of made to 1
	set year of made to y as integer
	set month of made to m as integer
	set day of made to d as integer
	set time of made to (h as integer) * hours + (n as integer) * minutes
	return made
end dateFrom
