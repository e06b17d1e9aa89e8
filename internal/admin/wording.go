package admin

import (
	"context"
	"errors"
	"strings"

	"countersign"
	"countersign/internal/outbox"
	"countersign/internal/smpp"
	"countersign/internal/store"
	"countersign/internal/wording"
)

// A WordingRow is one message that the agency can word, as it is sent now.
type WordingRow struct {
	wording.Kind
	Words countersign.Wording // the agency's own, or the original text
}

// Own reports whether the agency has its own wording.
func (r WordingRow) Own() bool { return r.Words.Version != 0 }

// A WordingView is what the pages of wording show.
type WordingView struct {
	Rows   []WordingRow
	Agency countersign.Agency // as it is in the database now
	Sender string             // of its mail, as people write it
}

// Row is the row of a message.
func (v WordingView) Row(kind string) (WordingRow, bool) {
	for _, r := range v.Rows {
		if r.Name == kind {
			return r, true
		}
	}
	return WordingRow{}, false
}

// Wordings are all messages that the agency can word.
func (s *Service) Wordings(ctx context.Context, v countersign.Visit, actor countersign.Actor) (view WordingView, err error) {
	err = s.read(ctx, v, actor, func(tx *store.Tx, _ countersign.Actor) error {
		view, err = s.wordings(ctx, tx)
		return err
	}, countersign.RightPreferences)
	return view, err
}

func (s *Service) wordings(ctx context.Context, tx *store.Tx) (view WordingView, err error) {
	if view.Agency, err = tx.CurrentAgency(ctx); err != nil {
		return view, err
	}
	view.Sender = s.sender(view.Agency)
	own, err := tx.Wordings(ctx)
	for _, k := range wording.Kinds {
		row := WordingRow{Kind: k, Words: k.Original()}
		if w, ok := own[k.Name]; ok {
			row.Words = w
		}
		view.Rows = append(view.Rows, row)
	}
	return view, err
}

// A WordingChange is what an administrator typed for one message.
type WordingChange struct {
	Kind    string
	From    string // sender of all mail of the agency; as people write it
	WasFrom string // the sender that the form began with; left as it is if From is the same
	Subject string
	Body    string
	Version int64 // of the words that the form began with; AnyVersion: whatever it is
}

// wording is what was typed as it would be kept.
func (r WordingChange) wording() countersign.Wording {
	return countersign.Wording{Kind: r.Kind, Subject: strings.TrimSpace(r.Subject), Body: wording.Tidy(r.Body)}
}

// A WordingPreview is a message as people would get it.
type WordingPreview struct {
	outbox.Shown
	Filled, Room int // of a text message: letters that it has, and that fit into one
}

// PreviewWording shows what was typed, with a token that is made up. It keeps nothing.
func (s *Service) PreviewWording(ctx context.Context, v countersign.Visit, actor countersign.Actor, r WordingChange) (shown WordingPreview, err error) {
	j := wordingCheck{visit: v, typed: r}
	if j.agencies, err = s.Store.Agencies(ctx); err != nil {
		return shown, err
	}
	err = s.read(ctx, v, actor, func(tx *store.Tx, actor countersign.Actor) error {
		shown, _, err = s.checkWording(ctx, tx, actor, j)
		return err
	}, countersign.RightPreferences)
	return shown, err
}

// A wordingCheck is what was typed for a message, with all agencies as they were
// read before the transaction.
type wordingCheck struct {
	visit    countersign.Visit
	typed    WordingChange
	agencies []countersign.Agency
}

// checkWording reads what was typed, says beside each field what is wrong, and shows
// what comes of it. It returns the sender as it would be kept.
func (s *Service) checkWording(ctx context.Context, tx *store.Tx, actor countersign.Actor, j wordingCheck) (shown WordingPreview, from string, err error) {
	r := j.typed
	k, ok := wording.Of(r.Kind)
	if !ok {
		return shown, "", countersign.Problem(countersign.KindNotFound, "wording.unknown", "", nil)
	}
	agency, err := tx.CurrentAgency(ctx)
	if err != nil {
		return shown, "", err
	}
	p, err := tx.Preferences(ctx)
	if err != nil {
		return shown, "", err
	}
	agency.URL = j.visit.Agency.URL
	words, wrong := k.Read(r.wording())
	from, wrongFrom := agency.MailFrom, error(nil)
	if k.Mail() && r.From != r.WasFrom {
		from, wrongFrom = s.newSender(j.agencies, agency, r.From)
	}
	if err := errors.Join(wrongFrom, wrong); err != nil {
		return shown, "", err
	}
	agency.MailFrom = from
	shown, err = s.example(j.visit, actor, agency, p, k, words)
	return shown, from, err
}

// example is what words make of a message that nobody gets.
func (s *Service) example(v countersign.Visit, actor countersign.Actor, a countersign.Agency, p countersign.Preferences, k wording.Kind, words wording.Texts) (shown WordingPreview, err error) {
	shown.Shown, err = outbox.Show(a, p, outbox.Example(k, a, actor.User, v.Client, v.Now), s.sender(a), words)
	if err != nil || k.Mail() {
		return shown, err
	}
	shown.Filled, shown.Room = smpp.Measure(shown.Text)
	return shown, fits(shown)
}

// fits refuses a text that would go out as several messages: each is paid for.
func fits(shown WordingPreview) error {
	if shown.Filled <= shown.Room {
		return nil
	}
	args := countersign.Args{"Parts": smpp.Parts(shown.Text), "Length": shown.Filled, "Most": shown.Room, "Letters": strings.Join(strings.Split(smpp.Foreign(shown.Text), ""), " ")}
	if smpp.Plain(shown.Text) {
		return countersign.Problem(countersign.KindInvalid, "template.parts", "body", args)
	}
	return countersign.Problem(countersign.KindInvalid, "template.parts_letters", "body", args)
}

// SaveWording keeps the agency's own words for a message, and the sender if
// another one was typed. They count from the next message. Words that are those
// of the original text are kept as none.
func (s *Service) SaveWording(ctx context.Context, v countersign.Visit, actor countersign.Actor, r WordingChange) error {
	all, err := s.Store.Agencies(ctx)
	if err != nil {
		return err
	}
	return s.change(ctx, v, actor, countersign.RightPreferences, func(tx *store.Tx, actor countersign.Actor) error {
		_, from, err := s.checkWording(ctx, tx, actor, wordingCheck{v, r, all})
		if err != nil {
			return err
		}
		view, err := s.wordings(ctx, tx)
		if err != nil {
			return err
		}
		renamed := view.Agency
		renamed.MailFrom = from
		moved, err := s.rename(ctx, tx, v, actor, view.Agency, renamed, r.WasFrom)
		if err != nil {
			return err
		}
		row, _ := view.Row(r.Kind)
		typed := r.wording()
		if !row.Mail() {
			typed.Subject = ""
		}
		if row.Words.Subject == typed.Subject && row.Words.Body == typed.Body {
			return unchanged(moved)
		}
		return s.changeWording(ctx, tx, v, actor, row, typed, r.Version)
	})
}

// OriginalWording takes the agency's own words for a message away.
func (s *Service) OriginalWording(ctx context.Context, v countersign.Visit, actor countersign.Actor, kind string, version int64) error {
	return s.change(ctx, v, actor, countersign.RightPreferences, func(tx *store.Tx, actor countersign.Actor) error {
		view, err := s.wordings(ctx, tx)
		if err != nil {
			return err
		}
		row, ok := view.Row(kind)
		if !ok {
			return countersign.Problem(countersign.KindNotFound, "wording.unknown", "", nil)
		}
		if !row.Own() {
			return unchanged(false)
		}
		return s.changeWording(ctx, tx, v, actor, row, row.Original(), version)
	})
}

// changeWording keeps words in place of those of a row. An audit row holds the words,
// since those of before are kept nowhere else.
func (s *Service) changeWording(ctx context.Context, tx *store.Tx, v countersign.Visit, actor countersign.Actor, row WordingRow, w countersign.Wording, version int64) error {
	if version == AnyVersion {
		version = row.Words.Version
	}
	e := newEvent(v, actor, "wording.changed", "")
	original := row.Original()
	if w.Subject == original.Subject && w.Body == original.Body {
		e.Detail = map[string]string{"message": row.Name, "text": "the original"}
		tx.Record(e)
		return tx.DropWording(ctx, row.Name, version)
	}
	e.Detail = map[string]string{"message": row.Name, "subject": w.Subject, "text": w.Body}
	tx.Record(e)
	w.Changed, w.By = v.Now, actor.Name()
	return tx.SaveWording(ctx, w, version)
}

// unchanged tells somebody who saves what stands there already; nothing of the
// deed is kept, and no second factor is asked for.
func unchanged(moved bool) error {
	if moved {
		return nil
	}
	return countersign.Problem(countersign.KindInvalid, "wording.unchanged", "", nil)
}
