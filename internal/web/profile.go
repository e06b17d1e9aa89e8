package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"time"

	"countersign"
	"countersign/internal/account"
	"countersign/internal/authn"
	"countersign/internal/edge"
	"countersign/internal/policy"
)

// A profilePage is the User Profile.
type profilePage struct {
	base
	Profile   account.Profile
	Default   countersign.Factor
	Devices   []deviceRow
	Events    []eventRow
	SelfReset bool
	Texts     bool   // a text message can verify a number
	MayAdd    bool   // another passkey can be added
	Few       *alert // few recovery codes are left
}

// A deviceRow is a remembered device.
type deviceRow struct {
	countersign.Device
	Until time.Time // when it is forgotten
	Over  bool
	This  bool
}

// deviceRows returns the devices with the time until which each is remembered.
func deviceRows(p countersign.Preferences, all []countersign.Device, this countersign.DeviceID, now time.Time) []deviceRow {
	var rows []deviceRow
	for _, d := range all {
		until := policy.RememberedUntil(p, d.Proved)
		rows = append(rows, deviceRow{Device: d, Until: until, Over: !now.Before(until), This: d.ID == this})
	}
	return rows
}

// done holds the sentences shown after a redirect. The text after the first line goes beside it.
var done = map[string]string{
	"email":         "Your email address was changed.\nThe old address was told, and your remembered devices were forgotten.",
	"phone":         "Your mobile phone was changed.\nAll your addresses were told, and your remembered devices were forgotten.",
	"password":      "Your password was changed.\nYour other sessions were ended, your remembered devices forgotten, and all your addresses told.",
	"removed":       "The method was removed.\nAll your addresses were told, and your remembered devices were forgotten.",
	"renamed":       "The passkey was renamed.",
	"unkeyed":       "The passkey was removed.\nAll your addresses were told, and your remembered devices were forgotten. Your device may still show it: delete it there too.",
	"codes":         "Your recovery codes are ready.",
	"forgotten":     "The device was forgotten.\nIts sessions were ended. A token is asked at the next sign-in from it.",
	"forgotten-all": "All devices were forgotten.\nTheir sessions were ended. A token is asked at the next sign-in from each of them.",
	"ended":         "The session was ended.",
	"ended-all":     "All sessions were ended.",
	"others":        "All other sessions were ended.",
	"added":         "The user was added.\nThe link to choose a password is on its way.",
	"edited":        "The changes were saved.",
	"disabled":      "The user was disabled.\nSessions were ended and devices forgotten.",
	"enabled":       "The user may sign in again.",
	"reset":         "Two factor authentication was reset.\nThe user was told.",
	"reset-untold":  "Two factor authentication was reset.\nNobody could be told: there is no email address. Set-up cannot begin before you add one.",
	"invited":       "The invitation is on its way.",
	"cancelled":     "The reset was canceled.\nThe password alone opens nothing now. For set-up an enrollment code or a new reset is needed.",
	"activation":    "A new link is on its way.\nThe earlier one no longer works.",
}

// flash returns the alert for what was just done.
func flash(r *http.Request) *alert {
	text, ok := done[r.URL.Query().Get("done")]
	if !ok {
		return nil
	}
	head, rest, _ := strings.Cut(text, "\n")
	return &alert{Kind: "done", Role: "status", Head: head, Rest: rest}
}

// defaultDone says which method is the Default now, and what that means.
func defaultDone(f countersign.Factor) *alert {
	next := "tokens go to " + formatPhone(f.Address)
	switch f.Method {
	case countersign.MethodEmail, countersign.MethodSMS:
	case countersign.MethodApp:
		next = "your app shows the token"
	default:
		next = "it is asked for first"
	}
	return &alert{Kind: "done", Role: "status", Head: methodName(f.Method) + " is your Default.",
		Rest: "From your next sign-in " + next + ". All your addresses were told."}
}

func (s *Server) getProfile(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.profile(w, r, v, g, http.StatusOK, nil)
}

func (s *Server) profile(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, status int, refused error) error {
	profile, err := s.Account.Profile(r.Context(), v, g)
	if err != nil {
		return err
	}
	p := profilePage{base: s.console(v, g, "User Profile", "profile"), Profile: profile, Few: reminder(profile.Codes), Default: policy.Default(profile.Factors), SelfReset: g.Preferences.SelfReset,
		Texts: s.Account.Offers(countersign.MethodSMS)}
	p.Devices = deviceRows(g.Preferences, profile.Devices, g.Session.Device, v.Now)
	p.Events = p.eventRows(profile.Events, true)
	p.Alert = flash(r)
	p.MayAdd = mayAddPasskey(profile)
	if r.URL.Query().Get("done") == "default" {
		p.Alert = defaultDone(p.Default)
	}
	if refused != nil {
		p.refuse(refused)
		for _, text := range p.Errors {
			p.Alert = &alert{Kind: "danger", Role: "alert", Head: text}
		}
	}
	return s.show(w, status, "console_profile", p)
}

// mayAddPasskey reports whether a passkey can be added from the User Profile: the email address
// must be set up first, and the limit is ten.
func mayAddPasskey(p account.Profile) bool {
	have := passkeysOf(p.Factors)
	offered := len(have) > 0 || slices.Contains(p.Missing, countersign.MethodPasskey)
	return offered && p.Enrolled && len(have) < policy.MaxPasskeys
}

// profileResult answers a form of the User Profile.
func (s *Server) profileResult(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, code string, err error) error {
	if countersign.KindOf(err) == countersign.KindInvalid {
		return s.profile(w, r, v, g, http.StatusUnprocessableEntity, err)
	}
	if err == nil {
		http.Redirect(w, r, "/profile"+query("done", code), http.StatusSeeOther)
	}
	return err
}

func (s *Server) postProfileEnroll(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	then := cmp.Or(edge.Then(r.PostForm.Get("then")), "/profile")
	out, err := s.Account.OpenEnrollment(r.Context(), v, g, countersign.Method(r.PostForm.Get("method")), then)
	if err != nil {
		return err
	}
	return s.next(w, r, v, out)
}

func (s *Server) postProfileDefault(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	err := s.Account.MakeDefault(r.Context(), v, g, countersign.Method(r.PostForm.Get("default")))
	return s.profileResult(w, r, v, g, "default", err)
}

// A removePage asks for confirmation before a method is removed.
type removePage struct {
	base
	Factor countersign.Factor
	After  countersign.Factor // the Default afterwards
}

func (s *Server) getRemoveMethod(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	profile, err := s.Account.Profile(r.Context(), v, g)
	if err != nil {
		return err
	}
	m := countersign.Method(r.URL.Query().Get("method"))
	i := slices.IndexFunc(profile.Factors, func(f countersign.Factor) bool { return f.Method == m })
	if i < 0 || m == countersign.MethodEmail {
		return &countersign.Error{Kind: countersign.KindNotFound, Code: "page.not_found"}
	}
	p := removePage{base: s.console(v, g, "Remove "+methodName(m), "profile"), Factor: profile.Factors[i]}
	p.After = policy.Default(slices.Delete(slices.Clone(profile.Factors), i, i+1))
	return s.show(w, http.StatusOK, "console_profile-remove", p)
}

func (s *Server) postRemoveMethod(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	err := s.Account.RemoveMethod(r.Context(), v, g, countersign.Method(r.PostForm.Get("method")))
	return s.profileResult(w, r, v, g, "removed", err)
}

// A forgetPage asks for confirmation before one device or all are forgotten.
type forgetPage struct {
	base
	Device *deviceRow // nil: all
	Count  int
}

func (s *Server) getForgetDevice(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	profile, err := s.Account.Profile(r.Context(), v, g)
	if err != nil {
		return err
	}
	rows := deviceRows(g.Preferences, profile.Devices, g.Session.Device, v.Now)
	p := forgetPage{base: s.console(v, g, "Forget all devices", "profile"), Count: len(rows)}
	if id := r.URL.Query().Get("device"); id != "" || len(rows) == 1 {
		i := slices.IndexFunc(rows, func(d deviceRow) bool { return string(d.ID) == id || id == "" }) // all of one is that one
		if i < 0 {
			return &countersign.Error{Kind: countersign.KindNotFound, Code: "device.unknown"}
		}
		p.Device, p.Title = &rows[i], "Forget this device"
	} else if len(rows) == 0 {
		http.Redirect(w, r, "/profile", http.StatusSeeOther)
		return nil
	}
	return s.show(w, http.StatusOK, "console_profile-forget", p)
}

func (s *Server) postForgetDevice(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	id, code := countersign.DeviceID(r.PostForm.Get("device")), "forgotten"
	if id == "" {
		code = "forgotten-all"
	}
	return s.profileResult(w, r, v, g, code, s.Account.ForgetDevice(r.Context(), v, g, id))
}

func (s *Server) postEndSession(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	id := countersign.SessionID(r.PostForm.Get("session"))
	if id == "" {
		return &countersign.Error{Kind: countersign.KindNotFound, Code: "session.unknown"}
	}
	return s.profileResult(w, r, v, g, "ended", s.Account.EndSession(r.Context(), v, g, id))
}

func (s *Server) postEndOtherSessions(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	return s.profileResult(w, r, v, g, "others", s.Account.EndSession(r.Context(), v, g, ""))
}

// A resetPage asks for confirmation before users reset their own two-factor authentication.
type resetPage struct {
	base
	Codes    int // recovery codes that are left
	Devices  int
	Sessions int // other sessions
	Until    time.Time
	Notified []string
}

func (s *Server) getProfileReset(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	if err := s.Account.MayResetOwn(r.Context(), v, g); err != nil {
		return err
	}
	return s.profileReset(w, r, v, g, http.StatusOK, nil)
}

func (s *Server) profileReset(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal, status int, refused error) error {
	profile, err := s.Account.Profile(r.Context(), v, g)
	if err != nil {
		return err
	}
	p := resetPage{base: s.console(v, g, "Reset/Disable 2 Factor Authentication", "profile"), Codes: profile.Codes.Left, Devices: len(profile.Devices),
		Sessions: len(profile.Sessions) - 1, Until: v.Now.Add(policy.ResetLife)}
	p.Notified = notifiedText(g.User, profile.Factors)
	if refused != nil {
		p.refuse(refused)
	}
	return s.show(w, status, "console_profile-reset", p)
}

// notifiedText returns the addresses that a notice goes to.
func notifiedText(u countersign.User, factors []countersign.Factor) []string {
	var all []string
	if u.Email != "" {
		all = append(all, u.Email)
	}
	for _, f := range factors {
		if f.Method == countersign.MethodEmail && !countersign.SameEmail(f.Address, u.Email) {
			all = append(all, f.Address)
		}
	}
	return all
}

func (s *Server) postProfileReset(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	out, err := s.Account.ResetOwn(r.Context(), v, g, r.PostForm.Get("password"), passwordProved(r))
	switch countersign.KindOf(err) {
	case countersign.KindInvalid:
		return s.profileReset(w, r, v, g, http.StatusUnprocessableEntity, err)
	case countersign.KindStepUpRequired: // the password was right: it need not be typed again and is not stored
		a := pendingRequest(r, "act.reset", "/profile/reset-two-factor")
		a.Password = true
		return s.stepUp(w, r, v, a)
	}
	if err != nil {
		return err
	}
	return s.next(w, r, v, out)
}
