-- Makes an event in Calendar.
-- argv: title; calendar ("" is the first that can be written); location; notes;
--       "all-day" or "timed"; start and end, each as year, month, day, hours, minutes;
--       the number of invitees, and their addresses
-- Returns the name of the calendar, and on a second line the event's uid.
on run argv
	set {eventTitle, calendarName, eventPlace, eventNotes, eventKind} to items 1 thru 5 of argv
	set startDate to dateFrom(items 6 thru 10 of argv)
	set endDate to dateFrom(items 11 thru 15 of argv)
	set total to (item 16 of argv) as integer
	tell application "Calendar"
		if calendarName is "" then
			set found to every calendar whose writable is true
		else
			set found to every calendar whose name is calendarName
		end if
		if found is {} then error ("there is no calendar " & quote & calendarName & quote) number -1728
		set target to item 1 of found
		set made to make new event at end of events of target with properties {summary:eventTitle, start date:startDate, end date:endDate, location:eventPlace, description:eventNotes, allday event:(eventKind is "all-day")}
		repeat with i from 17 to 16 + total
			make new attendee at end of attendees of made with properties {email:(item i of argv)}
		end repeat
		return (name of target) & linefeed & (uid of made)
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
