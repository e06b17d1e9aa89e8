package wording

import (
	"slices"

	"countersign"
)

// A Kind is a message that an agency may word itself.
type Kind struct {
	Name    string // in URLs and rows: "token"
	Title   string // for people
	Message countersign.MessageKind
	Channel countersign.Channel
	Names   []string // names allowed in braces
	Needs   string   // the name that the text must contain; empty: none
	Subject string   // the original text
	Body    string
	Always  string // a sentence below every text
}

// The names. Package outbox fills in their values.
const (
	Product   = "product"
	Token     = "token"
	Reference = "reference"
	Expires   = "expires"
	Life      = "life"
	Agency    = "agency"
	Help      = "help"
	Name      = "name"
	UserID    = "user_id"
	Link      = "link"
	By        = "by"
	Device    = "device"
)

// Kinds holds them all. Warnings are not among them: an agency could leave out what
// they warn of.
var Kinds = []Kind{
	{Name: "token", Title: "Token mail", Message: countersign.MessageToken, Channel: countersign.ChannelEmail, Needs: Token,
		Names:   []string{Product, Token, Reference, Expires, Life, Agency, Help, Name, UserID},
		Subject: "Your {product} token ({reference})",
		Body: "Your {product} time-based, one-time token is: {token}\n\n" +
			"This Token will expire in {life}. After expiration, a new Token must be generated from the {product} login screen.",
		Always: "Below your text always come the reference and until when the token works, what to do if it was not the reader who signs in, and your help contact."},
	{Name: "token-sms", Title: "Token text message", Message: countersign.MessageToken, Channel: countersign.ChannelSMS, Needs: Token,
		Names:  []string{Product, Token, Reference, Expires, Life, Agency},
		Body:   "Your {product} token is {token}. Reference {reference}.",
		Always: "Below your text always comes the line by which a phone offers the token on your pages only. All of it has to fit into one text message."},
	{Name: "activation", Title: "Link to choose a password", Message: countersign.MessageActivation, Channel: countersign.ChannelEmail, Needs: Link,
		Names:   []string{Product, Link, Expires, Agency, Help, Name, UserID},
		Subject: "Your user ID for {product}",
		Body: "Welcome to {product}\n\n{agency} has made the user ID {user_id} for you.\n\nChoose a password:\n{link}\n\n" +
			"The link works once, until {expires}. Then sign in; set-up of two factor authentication follows where your agency asks for it, and takes about two minutes.",
		Always: "Below your text always comes what to do if the reader does not expect it."},
	{Name: "invitation", Title: "Invitation to set up", Message: countersign.MessageInvitation, Channel: countersign.ChannelEmail,
		Names:   []string{Product, By, Agency, Help, Name, UserID},
		Subject: "Set up two factor authentication for {product}",
		Body: "Please set up two factor authentication\n\n{by} asks you to set up two factor authentication for your user ID {user_id}.\n\n" +
			"Go to {product} the way you always do, and sign in. If set-up does not follow by itself, open your User Profile, then Setup 2 Factor Authentication. It takes about two minutes.",
		Always: "Below your text always comes what to do if the reader does not expect it."},
	{Name: "password-reset", Title: "Link to choose a new password", Message: countersign.MessagePasswordLink, Channel: countersign.ChannelEmail, Needs: Link,
		Names:   []string{Product, Link, Expires, Agency, Help, Name, UserID, Device},
		Subject: "Choose a new password for {product}",
		Body:    "Choose a new password\n\nSomebody asked for a new password for user ID {user_id}, from {device}.\n\nChoose a new password:\n{link}",
		Always:  "Below your text always come until when the link works, and what to do if it was not the reader who asked."},
}

// Of returns the kind with a name; false if there is none.
func Of(name string) (Kind, bool) {
	return find(func(k Kind) bool { return k.Name == name })
}

// For returns the kind of a message; false if its wording can't be changed.
func For(m countersign.MessageKind, c countersign.Channel) (Kind, bool) {
	return find(func(k Kind) bool { return k.Message == m && k.Channel == c })
}

func find(f func(Kind) bool) (Kind, bool) {
	i := slices.IndexFunc(Kinds, f)
	if i < 0 {
		return Kind{}, false
	}
	return Kinds[i], true
}

// Mail reports whether the message is a mail: it has a sender and a subject.
func (k Kind) Mail() bool { return k.Channel == countersign.ChannelEmail }

// Original returns the original text in the form of an agency's own.
func (k Kind) Original() countersign.Wording {
	return countersign.Wording{Kind: k.Name, Subject: k.Subject, Body: k.Body}
}

// Texts holds a parsed, valid subject and text.
type Texts struct {
	Subject Text
	Body    Text
}

// Originals returns the original subject and text, parsed.
func (k Kind) Originals() Texts {
	words, err := k.Read(k.Original())
	if err != nil {
		panic("wording: the original text of " + k.Name + ": " + err.Error()) // TestOriginals reads them all
	}
	return words
}
