-- Lists the phone numbers or e-mail addresses of all contacts.
-- argv: "phone" or "email"
-- Returns lines of: number of the contact <tab> name <tab> nickname <tab> label <tab> value;
-- label and value are empty for a contact that has none.
on run argv
	set wanted to item 1 of argv
	-- Lists in a script object are read in constant time; local lists of thousands are slow.
	script book
		property fullNames : {}
		property nicknames : {}
		property labelLists : {}
		property valueLists : {}
		property rows : {}
	end script
	tell application "Contacts"
		set book's fullNames to name of every person
		set book's nicknames to nickname of every person
		if wanted is "phone" then
			set book's labelLists to label of every phone of every person
			set book's valueLists to value of every phone of every person
		else
			set book's labelLists to label of every email of every person
			set book's valueLists to value of every email of every person
		end if
	end tell
	repeat with i from 1 to count of book's fullNames
		set oneLabels to item i of book's labelLists
		set oneValues to item i of book's valueLists
		set who to {i, item i of book's fullNames, item i of book's nicknames}
		if (count of oneValues) is 0 then set end of book's rows to asRow(who & {"", ""})
		repeat with j from 1 to count of oneValues
			set end of book's rows to asRow(who & {item j of oneLabels, item j of oneValues})
		end repeat
	end repeat
	set AppleScript's text item delimiters to linefeed
	return book's rows as text
end run

on asRow(fields)
	set texts to {}
	repeat with oneField in fields
		if contents of oneField is missing value then
			set end of texts to ""
		else
			set end of texts to oneField as text
		end if
	end repeat
	set AppleScript's text item delimiters to tab
	return texts as text
end asRow
