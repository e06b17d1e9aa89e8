package countersign

import "time"

// MessageID names a message row.
type MessageID string

// A Channel is a way out of the house.
type Channel string

// The channels. The text is what the demo's inbox shows.
const (
	ChannelEmail Channel = "email"
	ChannelSMS   Channel = "sms"
)

// A MessageKind of message: which letter it is.
type MessageKind string

// The letters.
const (
	MessageToken            MessageKind = "token"
	MessageNewConnection    MessageKind = "new-connection"
	MessageReset            MessageKind = "reset"  // Data "By" empty: by oneself
	MessageEnrolled         MessageKind = "set-up" // a first set-up: all that it has brought, and its sign-in
	MessageMethodAdded      MessageKind = "method-added"
	MessageMethodRemoved    MessageKind = "method-removed"
	MessageDefaultChanged   MessageKind = "default-changed"
	MessageAddressChanged   MessageKind = "two-factor-address-changed"
	MessageAddressAsked     MessageKind = "two-factor-address-asked" // told to the address on file when another is typed
	MessageProfileChanged   MessageKind = "profile-changed"
	MessageActivation       MessageKind = "activation" // a new user's link to /welcome
	MessageInvitation       MessageKind = "invitation" // set-up awaits at the next sign-in
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
	MessageGuessing         MessageKind = "guessing"         // somebody guesses: tokens or password stopped; Data "Why" is the code
	MessageTest             MessageKind = "test"
	MessageTextAlarm        MessageKind = "text-alarm" // SMS looks misused, or the day's budget is spent; to administrators
)

// MessageState is where a message stands.
type MessageState string

// The states of a message.
const (
	StateWaiting MessageState = "waiting" // in the outbox, also between tries
	StateSending MessageState = "sending" // claimed by a node
	StateSent    MessageState = "sent"    // accepted by the server
	StateRefused MessageState = "refused" // the server said no for good
	StateDropped MessageState = "dropped" // its token died before it could be sent
	StateHeld    MessageState = "held"    // a budget forbade it: never in the outbox, kept so that it can be seen
)

// A Message waits in the outbox, or is the receipt of one that was sent.
// Data fills the letter's template; it is sealed at rest and wiped once sent.
type Message struct {
	ID        MessageID
	Agency    AgencyID
	User      UserID // empty: nobody's
	Kind      MessageKind
	Channel   Channel
	To        string // address, or E.164
	Data      map[string]string
	Reference string    // two letters; empty for letters without token
	Urgent    bool      // tokens go before letters
	Created   time.Time // when the deed was done
	Due       time.Time // not before
	Claimed   time.Time // until when a node has it; zero: none has
	Expires   time.Time // not after; zero: no limit
	Tries     int
	State     MessageState
	Server    string // which server or gateway took or refused it
	Answer    string // what it said, as far as that repeats nothing of the message (OT-10)
	Reason    Reason // why it was not taken; empty: it was, or was not tried yet
	Done      time.Time
	Used      bool   // its token led to a success: not counted against the quotas
	Route     string // the way out that has it, or may have it: no other one is tried then
	Tag       string // what the gateway calls it, for its receipts
	Receipt   Receipt
	ReceiptAt time.Time // when the gateway told; zero: it has not
	Network   string    // from which it was asked for
	Findings  []Finding // a test mail: what was found on its way
}

// A Reason classifies why a message was not taken.
type Reason string

// The reasons.
const (
	ReasonMailboxFull Reason = "mailbox_full"
	ReasonNoAddress   Reason = "no_address"   // no mailbox or telephone by that name or number
	ReasonBlocked     Reason = "blocked"      // taken for spam, or against a rule of the receiver
	ReasonStopped     Reason = "stopped"      // the owner of the number has said STOP
	ReasonTooLarge    Reason = "too_large"    // of the mail
	ReasonLater       Reason = "later"        // asked to come again: greylisting, a fault that passes
	ReasonRateLimited Reason = "rate_limited" // too many at once
	ReasonSettings    Reason = "settings"     // ours are wrong: login, sender, name, certificate
	ReasonUnreachable Reason = "unreachable"  // nobody was reached
	ReasonSilent      Reason = "silent"       // no answer; the message may have been taken
	ReasonRefused     Reason = "refused"      // refused for good, for none of the reasons above
)

// A Queue is what waits to be sent by one channel, over all agencies: tokens, or letters.
type Queue struct {
	Channel Channel
	Urgent  bool
	Length  int
	Since   time.Time // when the oldest of them was made
}

// A Receipt is what a gateway tells after it took a text message.
type Receipt string

// The receipts. A message that is delivered stays so, whatever is told later.
const (
	ReceiptDelivered   Receipt = "delivered"
	ReceiptUndelivered Receipt = "undelivered"
)
