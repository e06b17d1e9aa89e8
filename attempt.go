package countersign

import "time"

// AttemptID is the digest of an attempt's handle.
type AttemptID string

// A Purpose is what an attempt is for.
type Purpose string

// The purposes. An attempt of one purpose is useless for another (OT-04).
const (
	PurposeSignIn     Purpose = "sign-in" // ends in a session
	PurposeEnrollment Purpose = "set-up"  // the wizard, opened from the User Profile of a session
	PurposeStepUp     Purpose = "step-up" // a fresh second factor for a session (SE-06)
	PurposeNewEmail   Purpose = "email"   // proves a new address of the profile
	PurposeNewPhone   Purpose = "phone"   // proves a new number of the profile
	PurposeResume     Purpose = "resume"  // a request posted after its session had ended, until the user signs in again
)

// An Attempt is a sign-in, a set-up or a step-up in progress: everything that was
// proved so far, kept in the database so that every node sees the same.
type Attempt struct {
	ID           AttemptID
	User         UserID
	Purpose      Purpose
	Session      SessionID // set-up and step-up: the session it was opened from
	Browser      BrowserID // the browser that began it, by its device cookie; empty: begun by an earlier version, before the password page set the cookie
	KnownBrowser bool      `json:"Own"` // Browser had signed this user in from the same network before, and no one else
	Known        bool      // Browser had signed this user in before, wherever that was
	Client       Client    // the client that started it
	Password     bool      // the password was right
	TokenAsked   bool      `json:"Asked"` // a token was asked for: nothing but a proof admits from then on
	Proved       Method    // the second factor that was proved; empty: none yet
	PasskeyOnly  bool      `json:"Alone"` // it was a passkey that verified its user, asked to be the whole sign-in
	Failures     int       // tries counted, over all methods and steps (TH-01)
	Tried        time.Time // when the last of them was counted; zero: none was
	Wrong        int       // of these, tokens that were compared and wrong
	WrongAt      time.Time // the last of them; zero: none was
	Notified     int       `json:"Told"` // of Wrong, those that the user was notified of or has typed themselves
	Cleared      bool      // its user has completed a sign-in in the same browser since
	Warned       string    // the warning sent while the attempt was open; empty: none
	Hints        int       // inputs that were not six digits; they don't count as tries
	Prompts      int       // passkey prompts that were canceled or failed; they don't count as tries
	Sends        int       // tokens sent so far

	// Sent is when a token last went out by a channel and was not answered yet.
	Sent map[Method]time.Time

	Method           Method // the method asked for; empty: the Default
	DeclineRemember  bool   `json:"Decline"` // "Do not remember this device", as the last page said
	Challenge        Challenge
	Superseded       []SupersededToken `json:"Earlier"`  // tokens of this attempt that were replaced
	SendProblem      string            `json:"Unsent"`   // code of why the last token was not sent; empty: it was
	SendBlockedUntil time.Time         `json:"UnsentTo"` // until when no token is sent; zero: for the rest of the attempt
	Enrollment       Enrollment        `json:"Setup"`
	MoveTokens       bool              `json:"Also"` // new email: tokens go there too, once it is proved
	Pending          *PendingRequest   `json:"Act"`  // step-up and resume: the request that continues after it
	ReturnTo         string            `json:"Then"`
	PasswordProblem  string            `json:"Weak"` // code of why the password should be replaced; empty: no reason
	Started          time.Time
	Expires          time.Time
}

// AwaitingSecondFactor reports whether the attempt is a sign-in that waits for its second
// factor, so its client knew the password. A set-up wizard without a wrong token
// doesn't count: nothing is set up yet.
func (a Attempt) AwaitingSecondFactor() bool {
	return a.Purpose == PurposeSignIn && a.Password && a.Proved == "" && (!a.Enrollment.Open || a.Wrong > 0)
}

// SupersededToken is a token that a newer one replaced. Typing it shows that the user reads
// the mailbox or phone it was sent to: it is not accepted, but costs no try (token.older).
type SupersededToken struct {
	Reference string
	Digest    []byte
	Method    Method // empty: that of the newest, as earlier versions kept it
	Address   string
}

// MaxSuperseded is how many replaced tokens an attempt remembers, the newest ones.
const MaxSuperseded = 10

// ReplaceToken remembers the token that a newer one is about to replace.
func (a *Attempt) ReplaceToken() {
	c := a.Challenge
	a.Superseded = append(a.Superseded, SupersededToken{Reference: c.Reference, Digest: c.Digest, Method: c.Method, Address: c.Address})
	if n := len(a.Superseded) - MaxSuperseded; n > 0 {
		a.Superseded = a.Superseded[n:]
	}
}

// Enrollment is the progress of the set-up wizard. Unverified methods are stored only
// here, so that a wizard left early leaves no trace (ER-06).
type Enrollment struct {
	Open          bool        // the wizard is open: nothing else is until it is done
	Method        Method      // being proved now; empty: none
	Email         string      // the address being proved
	Confirm       bool        // the address on file is proving itself first, for Email (ER-02)
	Confirmed     string      // the other address that the address on file has allowed
	Phone         string      // the number being proved, E.164
	Country       string      // its country, ISO 3166
	Key           []byte      // the app's secret, until it is proved
	KeyAt         time.Time   // when Key was drawn; zero: when the wizard was opened
	Step          int64       // the step of RFC 6238 that proved it
	Verified      []Method    // proved in this wizard
	Unnotified    []Method    `json:"Untold"`  // of these, those that the mail at the end of a first set-up lists
	Notices       []MessageID `json:"Letters"` // that mail, one for each address, while it waits in the outbox
	Skipped       []Method    // skipped in this wizard
	DefaultChosen bool        `json:"Chosen"`  // the Default was chosen, or there was nothing to choose
	NeedsCode     bool        `json:"Closed"`  // the password alone opens nothing: an enrollment code comes first
	CodeAccepted  bool        `json:"Coded"`   // an enrollment code was right: another address needs no consent
	CodeSkipped   bool        `json:"Uncoded"` // there is a code, but its user goes on without it
}

// A PendingRequest is a request that waits for a step-up and then continues by itself.
type PendingRequest struct {
	Path  string              // where it was posted
	Form  map[string][]string // what was typed
	Title string              // code of what it is, for the page: "act.reset"
	Back  string              // where Cancel leads

	// Password: the form asked for the user's password, and the right one was
	// typed. The password itself never waits.
	Password bool
}

// Size returns the size of the request in bytes.
func (a PendingRequest) Size() int {
	n := len(a.Path)
	for name, values := range a.Form {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n
}

// SessionID is the digest of a session's handle.
type SessionID string

// A Session is a completed sign-in.
type Session struct {
	ID       SessionID
	User     UserID
	Device   DeviceID
	Browser  BrowserID // the browser that it was begun in; empty: no longer known
	Client   Client
	Proof    Proof
	ProvedAt time.Time // last second factor (or password, where no method exists); zero: none in this session
	Started  time.Time
	LastSeen time.Time
	Expires  time.Time // absolute limit
	Ended    time.Time // zero: alive
	EndedWhy string    // "signed-out", "user", "administrator", "reset", "disabled", "idle", "absolute", "password"
}

// Proof is how a session was admitted. It never claims more than was proved.
type Proof string

// The proofs of a sign-in.
const (
	ProofPassword   Proof = "password"   // two factor authentication was Off
	ProofRemembered Proof = "remembered" // password on a remembered device
	ProofEmail      Proof = "email"
	ProofApp        Proof = "app"
	ProofSMS        Proof = "sms"
	ProofPasskey    Proof = "passkey" // beside the password, or alone where the agency allows it
)

// Handle is the secret value of a cookie or link; it is stored as a digest only.
type Handle string

// A Visit holds the facts of one request, gathered once by the handler.
type Visit struct {
	Agency  Agency
	Client  Client
	Now     time.Time // UTC, truncated to the millisecond
	Request string    // request ID, for logs and audit rows
	Session Handle    // cookies; empty: none
	Attempt Handle
	Browser Handle
	Pending string // step-up: the ID of the pending request that the page named
}

// An Actor is who makes an administrative change: a signed-in user, or the operator on the host.
type Actor struct {
	User     User
	Session  SessionID
	Operator bool // a command on the host, above all rights
}

// Name returns the actor's name for audit rows and mail.
func (a Actor) Name() string {
	if a.Operator {
		return "operator"
	}
	return a.User.Login
}

// Has reports whether the actor holds right r.
func (a Actor) Has(r Right) bool { return a.Operator || a.User.Has(r) }

// LinkPurpose is what a mailed or printed link opens.
type LinkPurpose string

// The purposes of links.
const (
	LinkFirstAdministrator LinkPurpose = "first-administrator"
	LinkActivate           LinkPurpose = "activate"
	LinkPassword           LinkPurpose = "password" // forgotten: choose a new one
)

// A Link is a single-use handle that was mailed or printed.
type Link struct {
	Digest  string
	User    UserID // empty for the first administrator
	Purpose LinkPurpose
	Created time.Time
	Expires time.Time
	Used    time.Time // zero: not used
}

// A ResetRequest asks for a link to choose a new password. It may name a user that does not
// exist: that is checked later.
type ResetRequest struct {
	ID      string
	Agency  AgencyID
	Login   string // as it was typed
	Client  Client
	Request string
	At      time.Time
}
