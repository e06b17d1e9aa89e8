package web

import (
	"html/template"
	"net/http"
	"slices"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
)

// An enrollPage is any page of set-up.
type enrollPage struct {
	base
	View      authn.View
	Steps     []step
	Done      string // «… is now complete for the … method.»
	Email     string // address field
	Other     bool   // a different address is allowed
	Consent   bool   // the address on file needs the user's consent first
	From      string
	To        string // where the token went
	Delivery  delivery
	Stale     bool   // the token has expired or ended: send a new one first
	Spent     bool   // this step has sent all the tokens it may
	Again     string // where a new token is requested
	Unsent    *alert // why no token was sent: there is none to type
	Reset     *alert // this sign-in follows a reset
	Offered   []countersign.Method
	Key       []string // the app's key in groups of four
	URI       template.URL
	QR        template.HTML
	Phone     string
	Country   string
	Countries []country
	Chosen    countersign.Method
	Profile   bool   // opened from the User Profile
	Passkeys  bool   // a passkey may be created: offered beside the methods, without a step of its own
	Passkey   string // what the browser needs to create one, as JSON
	Name      string // of the passkey
	Closed    string // why set-up needs an enrollment code; empty: it does not
	Typed     string // the enrollment code that was rejected
	OS        string // the operating system of the reader's device
}

// Typing reports whether there is a token to type: one was sent and is still valid.
func (p enrollPage) Typing() bool {
	return p.Unsent == nil && !p.Stale && p.Delivery.State != "refused"
}

// Sent reports whether the page says that the token is on its way, and has no other news.
func (p enrollPage) Sent() bool { return p.Delivery.State == "sent" || p.Delivery.State == "waiting" }

// Back reports whether the email step links back to the other methods: the user has an address
// already.
func (p enrollPage) Back() bool { return p.Profile && p.View.Has(countersign.MethodEmail) }

// Waiting reports whether a token was sent that can still be typed.
func (p enrollPage) Waiting() bool {
	switch p.View.Stage.(type) {
	case policy.ConfirmEmail, policy.ProveEmail, policy.ProveSMS:
		return p.Typing()
	default:
		return false
	}
}

// A step is one entry of the stepper.
type step struct {
	Name string
	Done bool
	Now  bool
}

// A country is one that text messages may go to.
type country struct{ Code, Name string }

// wizard reads the attempt of the visit. If it is no set-up, the browser is redirected to the page
// it belongs to.
func (s *Server) wizard(w http.ResponseWriter, r *http.Request, v countersign.Visit, title string) (enrollPage, bool, error) {
	view, err := s.SignIn.View(r.Context(), v)
	if err != nil {
		return enrollPage{}, false, err
	}
	if view.Stage == nil {
		http.Redirect(w, r, pageOf(authn.Outcome{Step: view.Step}), http.StatusSeeOther)
		return enrollPage{}, false, nil
	}
	b := s.base(v, title+" · 2 Factor Authentication Setup", view.Preferences)
	b.Wide = true
	p := enrollPage{base: b, View: view, From: s.From(v.Agency), Profile: view.Attempt.Purpose == countersign.PurposeEnrollment, OS: v.Client.OS}
	p.Offered = offered(view)
	p.Passkeys = slices.Contains(p.Offered, countersign.MethodPasskey) && len(passkeysOf(view.Factors)) < policy.MaxPasskeys
	p.Offered = slices.DeleteFunc(p.Offered, func(m countersign.Method) bool { return m == countersign.MethodPasskey })
	if _, only := view.Stage.(policy.MakePasskey); only {
		p.Passkeys = true
	}
	p.Spent = view.Attempt.Sends >= policy.MaxSends
	c := view.Attempt.Challenge
	if c.Issued.IsZero() {
		p.Unsent = unsent(b, view)
	} else if p.To, p.Stale = c.Address, !c.Live(v.Now); !p.Stale {
		p.Delivery = s.delivery(b, view, pageOf(authn.Outcome{Stage: view.Stage}))
	}
	return p, true, nil
}

// refusedForm puts an error of the sending limits above a form for an address or number, which has
// no other place for it.
func (p *enrollPage) refusedForm(status int) {
	if status == http.StatusTooManyRequests && p.Alert == nil {
		p.Alert = p.Unsent
	}
}

// offered returns the methods that the menu can still add.
func offered(view authn.View) []countersign.Method {
	s := view.Attempt.Enrollment
	return slices.DeleteFunc(slices.Clone(view.Offered), func(m countersign.Method) bool {
		return m == countersign.MethodEmail || slices.Contains(s.Verified, m) || slices.Contains(s.Skipped, m)
	})
}

// steps returns the stepper with now as the current step.
func (p enrollPage) steps(now string) []step {
	all := []step{{Name: "Email", Done: p.View.Has(countersign.MethodEmail)}, {Name: "App", Done: p.has(countersign.MethodApp)}}
	if slices.Contains(p.View.Offered, countersign.MethodSMS) {
		all = append(all, step{Name: "SMS", Done: p.has(countersign.MethodSMS)})
	}
	all = append(all, step{Name: "Default"})
	for i := range all {
		all[i].Now = all[i].Name == now
		all[i].Done = all[i].Done && !all[i].Now
	}
	return all
}

// has reports whether the user has a method: from before, or verified in this set-up.
func (p enrollPage) has(m countersign.Method) bool {
	return p.View.Has(m) || slices.Contains(p.View.Attempt.Enrollment.Verified, m)
}

// stageOf redirects to the page of the current stage, unless it is one of these.
func stageOf(w http.ResponseWriter, r *http.Request, p enrollPage, here ...string) bool {
	at := pageOf(authn.Outcome{Stage: p.View.Stage})
	if slices.Contains(here, at) {
		return true
	}
	http.Redirect(w, r, at, http.StatusSeeOther)
	return false
}

func (s *Server) getEnroll(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "Further methods")
	if !ok || err != nil || !stageOf(w, r, p, "/set-up") {
		return err
	}
	now := "App"
	if !slices.Contains(p.Offered, countersign.MethodApp) {
		now = "SMS"
	}
	p.Steps = p.steps(now)
	if done := p.View.Attempt.Enrollment.Verified; len(done) > 0 {
		p.Done = sentences["setup."+string(done[len(done)-1])+"_done"]
	}
	return s.show(w, http.StatusOK, "gate_set-up", p)
}

func (s *Server) postSkip(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Enroll.Skip(r.Context(), v, countersign.Method(r.PostForm.Get("method")))
	if err != nil {
		return err
	}
	return s.next(w, r, v, out)
}

// enrollAgain shows a page of set-up with the error.
func (s *Server) enrollAgain(w http.ResponseWriter, r *http.Request, v countersign.Visit, err error, title string, show func(enrollPage, int) error) error {
	status := http.StatusUnprocessableEntity
	switch countersign.KindOf(err) {
	case countersign.KindInvalid:
	case countersign.KindTooMany:
		status = http.StatusTooManyRequests
		retryAfter(w, v.Now, err)
	default:
		return err
	}
	p, ok, werr := s.wizard(w, r, v, title)
	if !ok || werr != nil {
		return werr
	}
	p.refuse(err)
	p.Alert, p.Unsent = latest(p.Alert, p.Unsent)
	p.Delivery = delivery{} // show the error only
	return show(p, status)
}
