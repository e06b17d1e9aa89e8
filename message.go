package countersign

import "time"

// MessageID identifies a message row.
type MessageID string

// A Channel is a way to deliver messages.
type Channel string

// The channels. The text is what the demo's inbox shows.
const (
	ChannelEmail Channel = "email"
	ChannelSMS   Channel = "sms"
)

// A MessageKind selects the template of a message.
type MessageKind string

// The kinds of messages.
const (
	MessageToken            MessageKind = "token"
	MessageNewConnection    MessageKind = "new-connection"
	MessageReset            MessageKind = "reset"  // Data "By" empty: by the user
	MessageEnrolled         MessageKind = "set-up" // a first set-up: all methods it added, and its sign-in
	MessageMethodAdded      MessageKind = "method-added"
	MessageMethodRemoved    MessageKind = "method-removed"
	MessageDefaultChanged   MessageKind = "default-changed"
	MessageAddressChanged   MessageKind = "two-factor-address-changed"
	MessageAddressAsked     MessageKind = "two-factor-address-asked" // to the address on file, when the user typed another one
	MessageProfileChanged   MessageKind = "profile-changed"
	MessageActivation       MessageKind = "activation" // a new user's link to /welcome
	MessageInvitation       MessageKind = "invitation" // set-up begins at the next sign-in
	MessageTurnedOff        MessageKind = "turned-off" // 2FA Off, or a longer frequency; to administrators
	MessageAdminNotice      MessageKind = "watch"      // to administrators: what was done to a user's second factor
	MessageDisabled         MessageKind = "disabled"
	MessageEnrollmentOpened MessageKind = "opened"         // set-up was opened with the password alone, after a reset
	MessageEnrollmentCode   MessageKind = "enrolment-code" // one was made, or used
	MessageResetCanceled    MessageKind = "reset-cancelled"
	MessagePasskeyCopied    MessageKind = "passkey-copied" // a signature counter went back; Data "Of": to administrators
	MessageRecoveryMade     MessageKind = "recovery-codes-made"
	MessageRecoveryUsed     MessageKind = "recovery-code-used"
	MessagePasswordLink     MessageKind = "password-reset"   // a forgotten password: the link to choose a new one
	MessagePasswordChanged  MessageKind = "password-changed" // Data "How": "change" or "link"
	MessagePasswordKnown    MessageKind = "password-known"   // a right password, and no second factor (NT-03)
	MessageGuessing         MessageKind = "guessing"         // too many wrong tokens or passwords, now locked; Data "Why" is the code
	MessageTest             MessageKind = "test"
	MessageTextAlarm        MessageKind = "text-alarm" // SMS looks misused, or the day's budget is spent; to administrators
)

// MessageState is the delivery state of a message.
type MessageState string

// The states of a message.
const (
	StateWaiting MessageState = "waiting" // in the outbox, before or between tries
	StateSending MessageState = "sending" // claimed by a node
	StateSent    MessageState = "sent"    // accepted by the server
	StateRefused MessageState = "refused" // refused permanently by the server
	StateDropped MessageState = "dropped" // its token expired before it could be sent
	StateHeld    MessageState = "held"    // over a budget: never queued, kept so that it is visible
)

// A Message waits in the outbox, or is the receipt of one that was sent.
// Data fills the template; it is sealed at rest and wiped once sent.
type Message struct {
	ID        MessageID
	Agency    AgencyID
	User      UserID // empty: not about a user
	Kind      MessageKind
	Channel   Channel
	To        string // address, or E.164
	Data      map[string]string
	Reference string    // two letters; empty for messages without a token
	Urgent    bool      // tokens go before other messages
	Created   time.Time // when the event happened
	Due       time.Time // not before
	Claimed   time.Time // until when a node's lease holds; zero: no lease
	Expires   time.Time // not after; zero: no limit
	Tries     int
	State     MessageState
	Server    string // the server or gateway that accepted or refused it
	Answer    string // its answer, without any part of the message (OT-10)
	Reason    Reason // why it was not accepted; empty: it was, or was not tried yet
	Done      time.Time
	Used      bool   // its token led to a success: not counted against the quotas
	Route     string // the route that accepted it, or may have: no other one is tried then
	Tag       string // the gateway's ID for it, to which receipts refer
	Receipt   Receipt
	ReceiptAt time.Time // when the gateway reported; zero: it has not
	Network   string    // the network of the request that caused it
	Findings  []Finding // a test mail: what was found about its delivery
}

// A Reason classifies why a message was not accepted.
type Reason string

// The reasons.
const (
	ReasonMailboxFull Reason = "mailbox_full"
	ReasonNoAddress   Reason = "no_address"   // no such mailbox or phone number
	ReasonBlocked     Reason = "blocked"      // rejected as spam, or by a rule of the receiver
	ReasonStopped     Reason = "stopped"      // the owner of the number has replied STOP
	ReasonTooLarge    Reason = "too_large"    // the mail exceeds the server's size limit
	ReasonLater       Reason = "later"        // a temporary refusal: greylisting, or a temporary fault
	ReasonRateLimited Reason = "rate_limited" // too many at once
	ReasonSettings    Reason = "settings"     // a setting of ours is wrong: login, sender, name, certificate
	ReasonUnreachable Reason = "unreachable"  // no server could be reached
	ReasonSilent      Reason = "silent"       // no answer; the message may have been accepted
	ReasonRefused     Reason = "refused"      // refused permanently, for none of the reasons above
)

// A Queue describes what waits on one channel, over all agencies: tokens, or other messages.
type Queue struct {
	Channel Channel
	Urgent  bool
	Length  int
	Since   time.Time // when the oldest of them was made
}

// A Receipt is what a gateway reports after it accepted a text message.
type Receipt string

// The receipts. A delivered message stays delivered, whatever is reported later.
const (
	ReceiptDelivered   Receipt = "delivered"
	ReceiptUndelivered Receipt = "undelivered"
)
