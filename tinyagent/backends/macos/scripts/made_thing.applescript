-- Reads the title of something that was made, or removes it.
-- argv: "read" or "remove"; "event", "reminder", "note" or "draft"; its id (a draft's subject)
-- Returns its title. Notes keeps what is removed in Recently Deleted, Mail in the trash.
on run argv
	set {whatToDo, thingKind, thingId} to items 1 thru 3 of argv
	set removing to (whatToDo is "remove")
	if thingKind is "event" then return eventOf(thingId, removing)
	if thingKind is "reminder" then return reminderOf(thingId, removing)
	if thingKind is "note" then return noteOf(thingId, removing)
	if thingKind is "draft" then return draftOf(thingId, removing)
	error ("nothing is known of a " & thingKind) number 1001
end run

on eventOf(thingId, removing)
	tell application "Calendar"
		repeat with oneCalendar in (every calendar whose writable is true)
			set found to (every event of oneCalendar whose uid is thingId)
			if found is not {} then
				set title to summary of item 1 of found
				if removing then delete item 1 of found
				return title
			end if
		end repeat
	end tell
	error "the event is not there any more" number -1728
end eventOf

on reminderOf(thingId, removing)
	tell application "Reminders"
		set found to (every reminder whose id is thingId)
		if found is {} then error "the reminder is not there any more" number -1728
		set title to name of item 1 of found
		if removing then delete item 1 of found
		return title
	end tell
end reminderOf

on noteOf(thingId, removing)
	tell application "Notes"
		set found to (every note whose id is thingId)
		if found is {} then error "the note is not there any more" number -1728
		set title to name of item 1 of found
		if removing then delete item 1 of found
		return title
	end tell
end noteOf

-- Mail gives a draft no id that lasts, so it is known by its subject.
on draftOf(thingId, removing)
	tell application "Mail"
		set found to (every message of drafts mailbox whose subject is thingId)
		if found is {} then error "the draft is not there any more" number -1728
		if (count of found) > 1 then error "several drafts have this subject; remove the right one in Mail" number 1001
		set title to subject of item 1 of found
		if removing then delete item 1 of found
		return title
	end tell
end draftOf
