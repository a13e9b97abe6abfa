-- Lists the names of all notes and of the folders that they are in.
-- Returns lines of: "folder" or "note" <tab> name.
on run argv
	-- A list in a script object is read in constant time; a local list of thousands is slow.
	script book
		property rows : {}
		property noteNames : {}
	end script
	tell application "Notes"
		set folderNames to name of every folder
		set book's noteNames to name of every note
	end tell
	repeat with oneName in folderNames
		set end of book's rows to "folder" & tab & oneName
	end repeat
	repeat with i from 1 to count of book's noteNames
		set end of book's rows to "note" & tab & (item i of book's noteNames)
	end repeat
	set AppleScript's text item delimiters to linefeed
	return book's rows as text
end run
