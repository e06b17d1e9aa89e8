package countersign

import "time"

// MessageID names a message row.
type MessageID string

// A Channel is a way out of the house.
type Channel string

// The channels. The text is what the demo's inbox shows.
const (
	ByEmail Channel = "email"
	BySMS   Channel = "sms"
)

// A Kind of message: which letter it is.
type Kind string

// The letters.
const (
	KindToken          Kind = "token"
	KindNewConnection  Kind = "new-connection"
	KindReset          Kind = "reset"  // Data "By" empty: by oneself
	KindSetUp          Kind = "set-up" // a first set-up: all that it has brought, and its sign-in
	KindMethodAdded    Kind = "method-added"
	KindMethodRemoved  Kind = "method-removed"
	KindDefaultChanged Kind = "default-changed"
	KindAddressChanged Kind = "two-factor-address-changed"
	KindAddressAsked   Kind = "two-factor-address-asked" // told to the address on file when another is typed
	KindProfileChanged Kind = "profile-changed"
	KindActivation     Kind = "activation" // a new user's link to /welcome
	KindInvitation     Kind = "invitation" // set-up awaits at the next sign-in
	KindTurnedOff      Kind = "turned-off" // 2FA Off, or a longer frequency; to administrators
	KindWatch          Kind = "watch"      // to administrators: what was done to a user's second factor
	KindDisabled       Kind = "disabled"
	KindOpened         Kind = "opened"         // set-up was opened with the password alone, after a reset
	KindEnrolmentCode  Kind = "enrolment-code" // one was made, or used
	KindResetCancelled Kind = "reset-cancelled"
	KindPasskeyCopied  Kind = "passkey-copied" // a signature counter went back; Data "Of": to administrators
	KindRecoveryMade   Kind = "recovery-codes-made"
	KindRecoveryUsed   Kind = "recovery-code-used"
	KindPasswordLink   Kind = "password-reset"   // a forgotten password: the link to choose a new one
	KindPassword       Kind = "password-changed" // Data "How": "change" or "link"
	KindPasswordKnown  Kind = "password-known"   // a right password, and no second factor (NT-03)
	KindGuessing       Kind = "guessing"         // somebody guesses: tokens or password stopped; Data "Why" is the code
	KindTest           Kind = "test"
	KindTextAlarm      Kind = "text-alarm" // SMS looks misused, or the day's budget is spent; to administrators
)

// MessageState is where a message stands.
type MessageState string

// The states of a message.
const (
	Waiting MessageState = "waiting" // in the outbox, also between tries
	Sending MessageState = "sending" // claimed by a node
	Sent    MessageState = "sent"    // accepted by the server
	Refused MessageState = "refused" // the server said no for good
	Dropped MessageState = "dropped" // its token died before it could be sent
	Held    MessageState = "held"    // a budget forbade it: never in the outbox, kept so that it can be seen
)

// A Message waits in the outbox, or is the receipt of one that was sent.
// Data fills the letter's template; it is sealed at rest and wiped once sent.
type Message struct {
	ID        MessageID
	Agency    AgencyID
	User      UserID // empty: nobody's
	Kind      Kind
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
	Tokens  bool
	Length  int
	Since   time.Time // when the oldest of them was made
}

// A Receipt is what a gateway tells after it took a text message.
type Receipt string

// The receipts. A message that is delivered stays so, whatever is told later.
const (
	Delivered   Receipt = "delivered"
	Undelivered Receipt = "undelivered"
)
