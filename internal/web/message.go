package web

import (
	"time"

	"countersign"
)

// A messageRow is one message on a user's page: which letter, where it went, and
// what became of it. What it said is not kept.
type messageRow struct {
	At        time.Time
	Name      string
	To        string
	Reference string
	State     string
	Badge     string
	Answer    string // what the server said, where it refused
}

// letters are the names of the messages.
var letters = map[countersign.Kind]string{
	countersign.KindToken:          "Token",
	countersign.KindNewConnection:  "New sign on from another connection",
	countersign.KindReset:          "Two factor authentication was reset",
	countersign.KindSetUp:          "Two factor authentication was set up",
	countersign.KindMethodAdded:    "A method was set up",
	countersign.KindMethodRemoved:  "A method was removed",
	countersign.KindDefaultChanged: "The Default was changed",
	countersign.KindAddressChanged: "Tokens go to another address",
	countersign.KindAddressAsked:   "Another address was typed",
	countersign.KindProfileChanged: "The profile was changed",
	countersign.KindActivation:     "Link to choose a password",
	countersign.KindInvitation:     "Invitation to set up",
	countersign.KindTurnedOff:      "A preference was changed",
	countersign.KindPasswordLink:   "Link to choose a new password",
	countersign.KindPassword:       "Password changed",
	countersign.KindPasswordKnown:  "Somebody may know the password",
	countersign.KindGuessing:       "Guessing was stopped",
	countersign.KindTest:           "Test",
	countersign.KindTextAlarm:      "Alarm about text messages",

	countersign.KindWatch:          "What was done to a user's second factor",
	countersign.KindDisabled:       "The user was disabled",
	countersign.KindOpened:         "Set-up was opened with the password alone",
	countersign.KindEnrolmentCode:  "An enrollment code was made or used",
	countersign.KindResetCancelled: "The reset was canceled",
	countersign.KindPasskeyCopied:  "A passkey may have been copied",
	countersign.KindRecoveryMade:   "Recovery codes were made",
	countersign.KindRecoveryUsed:   "A recovery code was used",
}

// messageStates say where a message stands, in a word and its color.
var messageStates = map[countersign.MessageState][2]string{
	countersign.Waiting: {"Waiting", "badge-warn"},
	countersign.Sending: {"Waiting", "badge-warn"},
	countersign.Sent:    {"Accepted", "badge-done"},
	countersign.Refused: {"Refused", "badge-danger"},
	countersign.Dropped: {"Not sent in time", "badge-warn"},
	countersign.Held:    {"Held back", "badge-danger"},
}

// heldWhy says which budget a text message was held back by.
var heldWhy = map[string]string{
	"send.limit_number":  "many to this number",
	"send.limit_network": "many from one network",
	"send.limit_texts":   "the day's budget is spent",
	"send.stopped":       "text messages are stopped",
	"send.country":       "the country is not allowed",
}

func messageRows(messages []countersign.Message) []messageRow {
	var rows []messageRow
	for _, m := range messages {
		row := messageRow{At: m.Created, Name: letters[m.Kind], To: m.To, Reference: m.Reference,
			State: messageStates[m.State][0], Badge: messageStates[m.State][1]}
		if m.Channel == countersign.BySMS {
			row.To = masked(countersign.SMS, m.To)
		}
		if m.State == countersign.Refused {
			row.Answer = told(m)
		}
		if m.State == countersign.Held {
			row.Answer = "Held back: " + heldWhy[m.Answer]
		}
		rows = append(rows, row)
	}
	return rows
}
