package web

import (
	"html/template"
	"net/http"
	"slices"
	"time"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/signin"
)

// A setUpPage is any page of the wizard.
type setUpPage struct {
	base
	View      signin.View
	Steps     []step
	Done      string // «… is now complete for the … method.»
	Email     string // address field
	Other     bool   // a different address is allowed
	From      string
	To        string // where the token went
	Delivery  delivery
	Stale     bool
	Reset     *alert // this sign-in follows a reset
	Offered   []countersign.Method
	Key       []string // the app's key in groups of four
	URI       template.URL
	QR        template.HTML
	Phone     string
	Country   string
	Countries []country
	Chosen    countersign.Method
	Profile   bool // opened from the User Profile
}

// A step of the wizard, as the stepper shows it.
type step struct {
	Name string
	Done bool
	Now  bool
}

// A country that text messages may go to.
type country struct{ Code, Name string }

// wizard looks at the attempt of the visit; where it is no wizard, the browser
// goes to the page that it belongs to.
func (s *Server) wizard(w http.ResponseWriter, r *http.Request, v countersign.Visit, title string) (setUpPage, bool, error) {
	view, err := s.Desk.Look(r.Context(), v)
	if err != nil {
		return setUpPage{}, false, err
	}
	if view.Stage == nil {
		http.Redirect(w, r, pageOf(signin.Outcome{Step: view.Step}), http.StatusSeeOther)
		return setUpPage{}, false, nil
	}
	b := s.base(v, title+" · 2 Factor Authentication Setup", view.Preferences)
	b.Wide = true
	p := setUpPage{base: b, View: view, From: s.From(v.Agency), Profile: view.Attempt.Purpose == countersign.SetUp}
	p.Offered = offered(view)
	p.Delivery = s.delivery(b, view)
	if c := view.Attempt.Challenge; !c.Issued.IsZero() {
		p.To, p.Stale = c.Address, !c.Live(v.Now)
	}
	return p, true, nil
}

// offered are the methods that the menu may still add.
func offered(view signin.View) []countersign.Method {
	s := view.Attempt.Setup
	return slices.DeleteFunc(slices.Clone(view.Offered), func(m countersign.Method) bool {
		return m == countersign.Email || slices.Contains(s.Verified, m) || slices.Contains(s.Skipped, m)
	})
}

// steps is the stepper with now as the current step.
func (p setUpPage) steps(now string) []step {
	s := p.View.Attempt.Setup
	all := []step{{Name: "Email", Done: p.View.Has(countersign.Email)}, {Name: "App", Done: slices.Contains(s.Verified, countersign.App)}}
	if slices.Contains(p.View.Offered, countersign.SMS) {
		all = append(all, step{Name: "SMS", Done: slices.Contains(s.Verified, countersign.SMS)})
	}
	all = append(all, step{Name: "Default"})
	for i := range all {
		all[i].Now = all[i].Name == now
		all[i].Done = all[i].Done && !all[i].Now
	}
	return all
}

// stageOf sends the browser to the page of the stage, unless it is at one of these.
func stageOf(w http.ResponseWriter, r *http.Request, p setUpPage, here ...string) bool {
	at := pageOf(signin.Outcome{Stage: p.View.Stage})
	if slices.Contains(here, at) {
		return true
	}
	http.Redirect(w, r, at, http.StatusSeeOther)
	return false
}

func (s *Server) getSetUp(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "Further methods")
	if !ok || err != nil || !stageOf(w, r, p, "/set-up") {
		return err
	}
	now := "App"
	if !slices.Contains(p.Offered, countersign.App) {
		now = "SMS"
	}
	p.Steps = p.steps(now)
	if done := p.View.Attempt.Setup.Verified; len(done) > 0 {
		p.Done = sentences["setup."+string(done[len(done)-1])+"_done"]
	}
	return s.show(w, http.StatusOK, "gate_set-up", p)
}

func (s *Server) getSetUpEmail(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "Email")
	if !ok || err != nil {
		return err
	}
	here := []string{"/set-up/email"}
	if p.Profile {
		here = append(here, "/set-up", "/set-up/sms")
	}
	if !stageOf(w, r, p, here...) {
		return nil
	}
	refresh(w, p.Delivery)
	return s.email(w, http.StatusOK, p, r.URL.Query().Has("change"))
}

// email shows the page of the email step: the address, or the token that was sent.
func (s *Server) email(w http.ResponseWriter, status int, p setUpPage, change bool) error {
	p.Steps = p.steps("Email")
	p.Reset = p.reset()
	p.Other = p.View.Preferences.EmailOther != countersign.OtherNo
	if p.Email == "" {
		p.Email = p.View.User.Email
	}
	switch p.View.Stage.(type) {
	case policy.ConfirmEmail, policy.ProveEmail:
		if !change {
			return s.show(w, status, "gate_set-up-email-token", p)
		}
	}
	return s.show(w, status, "gate_set-up-email", p)
}

// reset tells that this sign-in follows a reset (RS-03): by whom, and until when.
func (p setUpPage) reset() *alert {
	u := p.View.User
	if u.ResetUntil.IsZero() || p.View.Attempt.Purpose != countersign.SignIn {
		return nil
	}
	by := u.ResetBy + " reset it"
	if u.ResetBy == u.Login {
		by = "You reset it"
	}
	return &alert{Kind: "info", Role: "status", Head: "Your two factor authentication was reset",
		Rest: by + " " + p.When(u.ResetAt) + ". This sign-in leads to set-up only, and set-up is open until " + until(p.Agency, p.Now, u.ResetUntil) + "."}
}

func (s *Server) postSetUpEmail(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	typed := r.PostForm.Get("email")
	out, err := s.Desk.SetUpEmail(r.Context(), v, typed)
	if err == nil {
		return s.next(w, r, out)
	}
	return s.setUpAgain(w, r, v, err, "Email", func(p setUpPage, status int) error {
		p.Email = typed
		if p.Errors["email"] != "" {
			return s.email(w, status, p, true)
		}
		return s.email(w, status, p, false)
	})
}

// setUpAgain shows a page of the wizard with what was wrong.
func (s *Server) setUpAgain(w http.ResponseWriter, r *http.Request, v countersign.Visit, err error, title string, show func(setUpPage, int) error) error {
	status := http.StatusUnprocessableEntity
	switch countersign.KindOf(err) {
	case countersign.Invalid:
	case countersign.TooMany:
		status = http.StatusTooManyRequests
	default:
		return err
	}
	p, ok, werr := s.wizard(w, r, v, title)
	if !ok || werr != nil {
		return werr
	}
	p.refuse(err)
	return show(p, status)
}

func (s *Server) postEmailToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Desk.EmailToken(r.Context(), v, r.PostForm.Get("token"))
	return s.emailToken(w, r, v, out, err)
}

func (s *Server) postConfirmEmail(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Desk.ConfirmEmail(r.Context(), v, r.PostForm.Get("token"))
	return s.emailToken(w, r, v, out, err)
}

func (s *Server) emailToken(w http.ResponseWriter, r *http.Request, v countersign.Visit, out signin.Outcome, err error) error {
	if err == nil {
		return s.next(w, r, out)
	}
	return s.setUpAgain(w, r, v, err, "Email", func(p setUpPage, status int) error { return s.email(w, status, p, false) })
}

func (s *Server) postNewEmailToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	_, err := s.Desk.NewSetUpToken(r.Context(), v)
	if err == nil {
		http.Redirect(w, r, "/set-up/email", http.StatusSeeOther)
		return nil
	}
	return s.setUpAgain(w, r, v, err, "Email", func(p setUpPage, status int) error { return s.email(w, status, p, false) })
}

func (s *Server) getSetUpApp(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "Authenticator app")
	if !ok || err != nil || !stageOf(w, r, p, "/set-up", "/set-up/sms") {
		return err
	}
	return s.app(w, http.StatusOK, p)
}

func (s *Server) app(w http.ResponseWriter, status int, p setUpPage) error {
	p.Steps = p.steps("App")
	p.URI = template.URL(p.View.URI)
	for key := p.View.Key; len(key) >= 4; key = key[4:] {
		p.Key = append(p.Key, key[:4])
	}
	var err error
	if p.QR, err = drawQR(p.View.URI, "QR code with the set-up key for "+p.View.User.Login+" at "+p.Product()+". The same key stands below as text."); err != nil {
		return err
	}
	return s.show(w, status, "gate_set-up-app", p)
}

func (s *Server) postSetUpApp(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Desk.AppToken(r.Context(), v, r.PostForm.Get("token"))
	if err == nil {
		return s.next(w, r, out)
	}
	return s.setUpAgain(w, r, v, err, "Authenticator app", func(p setUpPage, status int) error { return s.app(w, status, p) })
}

func (s *Server) getSetUpSMS(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "SMS")
	if !ok || err != nil {
		return err
	}
	if !slices.Contains(p.View.Offered, countersign.SMS) {
		http.Redirect(w, r, "/set-up", http.StatusSeeOther)
		return nil
	}
	if !stageOf(w, r, p, "/set-up", "/set-up/sms") {
		return nil
	}
	refresh(w, p.Delivery)
	return s.sms(w, http.StatusOK, p, r.URL.Query().Has("change"))
}

// sms shows the page of the SMS step: the number, or the token that was sent.
func (s *Server) sms(w http.ResponseWriter, status int, p setUpPage, change bool) error {
	p.Steps = p.steps("SMS")
	p.Script = true
	for _, code := range p.View.Preferences.Countries {
		p.Countries = append(p.Countries, country{code, countryName(code)})
	}
	if _, sent := p.View.Stage.(policy.ProveSMS); sent && !change {
		p.To = dialled(p.View.Attempt.Setup.Phone)
		return s.show(w, status, "gate_set-up-sms-token", p)
	}
	return s.show(w, status, "gate_set-up-sms", p)
}

func (s *Server) postSetUpSMS(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	typed, country := r.PostForm.Get("phone"), r.PostForm.Get("country")
	out, err := s.Desk.SetUpSMS(r.Context(), v, country, typed)
	if err == nil {
		return s.next(w, r, out)
	}
	return s.setUpAgain(w, r, v, err, "SMS", func(p setUpPage, status int) error {
		p.Phone, p.Country = typed, country
		return s.sms(w, status, p, len(p.Errors) > 0)
	})
}

func (s *Server) postSMSToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Desk.SMSToken(r.Context(), v, r.PostForm.Get("token"))
	if err == nil {
		return s.next(w, r, out)
	}
	return s.setUpAgain(w, r, v, err, "SMS", func(p setUpPage, status int) error { return s.sms(w, status, p, false) })
}

func (s *Server) postNewSMSToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	_, err := s.Desk.NewSetUpToken(r.Context(), v)
	if err == nil {
		http.Redirect(w, r, "/set-up/sms", http.StatusSeeOther)
		return nil
	}
	return s.setUpAgain(w, r, v, err, "SMS", func(p setUpPage, status int) error { return s.sms(w, status, p, false) })
}

func (s *Server) postSkip(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Desk.Skip(r.Context(), v, countersign.Method(r.PostForm.Get("method")))
	if err != nil {
		return err
	}
	return s.next(w, r, out)
}

func (s *Server) getDefault(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.wizard(w, r, v, "Default")
	if !ok || err != nil || !stageOf(w, r, p, "/set-up/default") {
		return err
	}
	return s.chooseDefault(w, http.StatusOK, p)
}

func (s *Server) chooseDefault(w http.ResponseWriter, status int, p setUpPage) error {
	p.Steps = p.steps("Default")
	p.Chosen = countersign.Email // chosen beforehand (M20), unless another one is the Default already
	if p.Profile {
		p.Chosen = p.View.Default.Method
	}
	return s.show(w, status, "gate_set-up-default", p)
}

func (s *Server) postDefault(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Desk.ChooseDefault(r.Context(), v, countersign.Method(r.PostForm.Get("default")))
	if err == nil {
		return s.next(w, r, out)
	}
	return s.setUpAgain(w, r, v, err, "Default", func(p setUpPage, status int) error { return s.chooseDefault(w, status, p) })
}

// A setUpDonePage says that set-up is complete (M23).
type setUpDonePage struct {
	base
	Profile signin.Profile
	Default countersign.Factor
	Until   time.Time // this device is remembered until then; zero: it is not
	Then    string
}

func (s *Server) getSetUpDone(w http.ResponseWriter, r *http.Request, v countersign.Visit, g signin.Guest) error {
	profile, err := s.Desk.Profile(r.Context(), v, g)
	if err != nil {
		return err
	}
	p := setUpDonePage{base: s.base(v, "Set-up is complete", g.Preferences), Profile: profile, Default: policy.Default(profile.Factors), Then: thenOf(r)}
	p.Wide = true
	if len(profile.Factors) == 0 {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	for _, d := range profile.Devices {
		if d.ID == g.Session.Device {
			p.Until = policy.RememberedUntil(g.Preferences, d.Proved)
		}
	}
	return s.show(w, http.StatusOK, "gate_set-up-done", p)
}
