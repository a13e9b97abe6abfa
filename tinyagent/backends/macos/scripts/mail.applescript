-- Makes a message in Mail: a new one, or a reply to or a forward of the selected one.
-- argv: "compose", "reply" or "forward"; "send" or "draft"; subject (for a new one); body;
--       id of the message that must be selected ("" is any);
--       then three lists, each as a count and its items: recipients, cc, paths to attach
-- Returns the subject, and on a second line how many attachments a forward left behind.
on run argv
	set {messageKind, whatNext, subjectLine, bodyText, wantedId} to items 1 thru 5 of argv
	set {toList, nextItem} to takeList(argv, 6)
	set {ccList, nextItem} to takeList(argv, nextItem)
	set {pathList, nextItem} to takeList(argv, nextItem)
	set fileList to {}
	repeat with onePath in pathList
		set end of fileList to (POSIX file (onePath as text)) as alias
	end repeat
	set leftBehind to 0
	tell application "Mail"
		if messageKind is "compose" then
			set made to make new outgoing message with properties {subject:subjectLine, content:(bodyText & linefeed), visible:true}
		else
			set chosen to selection
			if chosen is {} or chosen is missing value then error "no message is selected" number -1728
			set original to item 1 of chosen
			if wantedId is not "" and (message id of original) is not wantedId then error "another message is selected than the one that was approved; nothing was done" number 1001
			set oldText to my quoted(sender of original, date sent of original, content of original)
			if messageKind is "reply" then
				set made to reply original without opening window
				set content of made to bodyText & linefeed & linefeed & oldText
			else
				-- Replacing the content drops what Mail had attached.
				if bodyText is not "" then set leftBehind to count of mail attachments of original
				if leftBehind > 0 and whatNext is "send" then error "sent by script with a text of its own, the forward would lose its attachments; forward it in Mail" number 1001
				set made to forward original without opening window
				if bodyText is not "" then set content of made to bodyText & linefeed & linefeed & oldText
			end if
			set visible of made to true
		end if
		repeat with oneAddress in toList
			make new to recipient at end of to recipients of made with properties {address:(oneAddress as text)}
		end repeat
		repeat with oneAddress in ccList
			make new cc recipient at end of cc recipients of made with properties {address:(oneAddress as text)}
		end repeat
		repeat with oneFile in fileList
			tell content of made to make new attachment with properties {file name:(contents of oneFile)} at after last paragraph
		end repeat
		set finalSubject to subject of made
		if whatNext is "send" then
			-- Mail reads attachments in the background; sent at once, they can be missing.
			if fileList is not {} then delay 2
			send made
		else
			save made
			activate
		end if
	end tell
	return finalSubject & linefeed & leftBehind
end run

on takeList(argv, position)
	set total to (item position of argv) as integer
	if total is 0 then return {{}, position + 1}
	return {items (position + 1) thru (position + total) of argv, position + total + 1}
end takeList

on quoted(whoWrote, whenSent, whatWritten)
	set AppleScript's text item delimiters to linefeed & "> "
	set oldLines to (paragraphs of whatWritten) as text
	set AppleScript's text item delimiters to ""
	return "On " & (whenSent as text) & ", " & whoWrote & " wrote:" & linefeed & "> " & oldLines
end quoted
