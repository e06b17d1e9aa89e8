package web

import (
	"time"

	"countersign"
)

// A messageRow is one message on a user's page: its kind, where it went, and its delivery. The text
// is not stored.
type messageRow struct {
	At        time.Time
	Name      string
	To        string
	Reference string
	State     string
	Badge     string
	Answer    string // the server's answer if it refused
}

// templatesByKind holds the names of the messages.
var templatesByKind = map[countersign.MessageKind]string{
	countersign.MessageToken:           "Token",
	countersign.MessageNewConnection:   "New sign on from another connection",
	countersign.MessageReset:           "Two factor authentication was reset",
	countersign.MessageEnrolled:        "Two factor authentication was set up",
	countersign.MessageMethodAdded:     "A method was set up",
	countersign.MessageMethodRemoved:   "A method was removed",
	countersign.MessageDefaultChanged:  "The Default was changed",
	countersign.MessageAddressChanged:  "Tokens go to another address",
	countersign.MessageAddressAsked:    "Another address was typed",
	countersign.MessageProfileChanged:  "The profile was changed",
	countersign.MessageActivation:      "Link to choose a password",
	countersign.MessageInvitation:      "Invitation to set up",
	countersign.MessageTurnedOff:       "A preference was changed",
	countersign.MessagePasswordLink:    "Link to choose a new password",
	countersign.MessagePasswordChanged: "Password changed",
	countersign.MessagePasswordKnown:   "Somebody may know the password",
	countersign.MessageGuessing:        "Guessing was stopped",
	countersign.MessageTest:            "Test",
	countersign.MessageTextAlarm:       "Alarm about text messages",

	countersign.MessageAdminNotice:      "What was done to a user's second factor",
	countersign.MessageDisabled:         "The user was disabled",
	countersign.MessageEnrollmentOpened: "Set-up was opened with the password alone",
	countersign.MessageEnrollmentCode:   "An enrollment code was made or used",
	countersign.MessageResetCanceled:    "The reset was canceled",
	countersign.MessagePasskeyCopied:    "A passkey may have been copied",
	countersign.MessageRecoveryMade:     "Recovery codes were made",
	countersign.MessageRecoveryUsed:     "A recovery code was used",
}

// messageStates holds the name and badge color of each state.
var messageStates = map[countersign.MessageState][2]string{
	countersign.StateWaiting: {"Waiting", "badge-warn"},
	countersign.StateSending: {"Waiting", "badge-warn"},
	countersign.StateSent:    {"Accepted", "badge-done"},
	countersign.StateRefused: {"Refused", "badge-danger"},
	countersign.StateDropped: {"Not sent in time", "badge-warn"},
	countersign.StateHeld:    {"Held back", "badge-danger"},
}

// heldWhy says which budget held back a text message.
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
		row := messageRow{At: m.Created, Name: templatesByKind[m.Kind], To: m.To, Reference: m.Reference,
			State: messageStates[m.State][0], Badge: messageStates[m.State][1]}
		if m.Channel == countersign.ChannelSMS {
			row.To = masked(countersign.MethodSMS, m.To)
		}
		if m.State == countersign.StateRefused {
			row.Answer = deliveryAnswer(m)
		}
		if m.State == countersign.StateHeld {
			row.Answer = "Held back: " + heldWhy[m.Answer]
		}
		rows = append(rows, row)
	}
	return rows
}
