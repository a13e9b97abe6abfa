-- Opens a note, adds to its end, or only finds it.
-- argv: "open", "append" or "find"; name, or a part of it; folder ("" is any); text to add;
--       the note's id ("" finds it by its name)
-- Returns "one", and on further lines the note's text (or its id, folder and name, for "find");
-- or "several", and on further lines the names of the notes that fit.
on run argv
	set {whatToDo, noteName, folderName, addedText, noteId} to items 1 thru 5 of argv
	set addedBody to htmlOf(addedText)
	tell application "Notes"
		if noteId is not "" then
			set found to every note whose id is noteId
		else if folderName is "" then
			set found to every note whose name is noteName
			if found is {} then set found to every note whose name contains noteName
		else
			set foundFolders to every folder whose name is folderName
			if foundFolders is {} then error ("there is no folder " & quote & folderName & quote) number -1728
			set holder to item 1 of foundFolders
			set found to every note of holder whose name is noteName
			if found is {} then set found to every note of holder whose name contains noteName
		end if
		if found is {} then error ("there is no note " & quote & noteName & quote) number -1728
		if (count of found) > 1 then
			set answer to "several"
			repeat with oneNote in found
				set answer to answer & linefeed & (name of oneNote)
			end repeat
			return answer
		end if
		set target to item 1 of found
		if whatToDo is "find" then return "one" & linefeed & (id of target) & linefeed & (name of container of target) & linefeed & (name of target)
		if password protected of target then error "the note is locked; unlock it in Notes" number 1001
		if whatToDo is "append" then
			-- Writing the body anew drops pictures and drawings.
			if (count of attachments of target) > 0 then error "the note holds pictures or files, which adding by script would drop; add to it in Notes" number 1001
			set body of target to (body of target) & addedBody
		else
			show target
		end if
		return "one" & linefeed & (plaintext of target)
	end tell
end run

-- Notes keeps HTML; the text must show as it is.
on htmlOf(plain)
	set plain to replaced(plain, "&", "&amp;")
	set plain to replaced(plain, "<", "&lt;")
	set plain to replaced(plain, ">", "&gt;")
	set AppleScript's text item delimiters to "</div><div>"
	set joined to (paragraphs of plain) as text
	set AppleScript's text item delimiters to ""
	return "<div>" & joined & "</div>"
end htmlOf

on replaced(whole, old, new)
	set AppleScript's text item delimiters to old
	set parts to text items of whole
	set AppleScript's text item delimiters to new
	set whole to parts as text
	set AppleScript's text item delimiters to ""
	return whole
end replaced
