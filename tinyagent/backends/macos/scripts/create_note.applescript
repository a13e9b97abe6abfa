-- Makes a note.
-- argv: name; content; folder ("" is the default one)
-- Returns the name of the folder, and on a second line the note's id.
on run argv
	set {noteName, noteText, folderName} to items 1 thru 3 of argv
	set noteBody to htmlOf(noteText)
	tell application "Notes"
		if folderName is "" then
			set target to default folder of default account
		else
			set found to every folder whose name is folderName
			if found is {} then error ("there is no folder " & quote & folderName & quote) number -1728
			set target to item 1 of found
		end if
		set made to make new note at target with properties {name:noteName, body:noteBody}
		return (name of target) & linefeed & (id of made)
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
