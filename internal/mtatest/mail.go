package mtatest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long Wait waits before the test fails.
const patience = 3 * time.Minute

// A Mail is a mail that the server has delivered.
type Mail struct {
	To      string // of the envelope
	Sender  string // of the envelope
	Subject string
	Text    string // the plain part; empty: there is none
	HTML    string
	Came    time.Time // when the server accepted it, to the second
	Header  mail.Header
	Raw     []byte // as it was delivered
}

// Wait waits until n mails to an address have been delivered, and returns all of them in the
// order of delivery. An empty address means any.
func (m *MTA) Wait(t testing.TB, to string, n int) []Mail {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		mails := m.Mails(t, to)
		if len(mails) >= n {
			return mails
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(m.dir, "log", "main"))
			t.Fatalf("got %d mails to %q, want %d; the server's log:\n%s", len(mails), to, n, log)
		}
	}
}

// Mails returns the mails to an address that have been delivered, in that order. An empty
// address means any.
func (m *MTA) Mails(t testing.TB, to string) (mails []Mail) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(m.dir, "inbox", "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(files, byDelivery)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parse(raw)
		if err != nil {
			t.Fatalf("%v in the mail\n%s", err, raw)
		}
		if to == "" || strings.EqualFold(parsed.To, to) {
			mails = append(mails, parsed)
		}
	}
	return mails
}

// byDelivery compares files of a Maildir by the time in their names, in seconds and
// microseconds: 1763993999.M31337P4711.mail.acme.example.
func byDelivery(a, b string) int {
	at := func(file string) (at time.Time) {
		var seconds, micro int64
		if _, err := fmt.Sscanf(filepath.Base(file), "%d.M%d", &seconds, &micro); err != nil {
			return at // not named by exim: first
		}
		return time.Unix(seconds, micro*1000)
	}
	return at(a).Compare(at(b))
}

func parse(raw []byte) (Mail, error) {
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, err
	}
	parsed := Mail{
		To:     m.Header.Get("Envelope-to"),
		Sender: strings.Trim(m.Header.Get("Return-path"), "<>"),
		Header: m.Header,
		Raw:    raw,
	}
	if parsed.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return Mail{}, err
	}
	received := m.Header.Get("Received")
	if parsed.Came, err = mail.ParseDate(strings.TrimSpace(received[strings.LastIndexByte(received, ';')+1:])); err != nil {
		return Mail{}, fmt.Errorf("when it came: %w", err)
	}
	return parsed, parsed.read(m.Header.Get("Content-Type"), m.Header.Get("Content-Transfer-Encoding"), m.Body)
}

// read reads the texts of a part of the mail and of the parts within it.
func (m *Mail) read(contentType, encoding string, body io.Reader) error {
	if contentType == "" {
		contentType = "text/plain"
	}
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		return m.readParts(multipart.NewReader(body, parameters["boundary"]))
	}
	text, err := io.ReadAll(decode(encoding, body))
	if err != nil {
		return err
	}
	plain := strings.ReplaceAll(string(text), "\r\n", "\n")
	switch kind {
	case "text/plain":
		m.Text = plain
	case "text/html":
		m.HTML = plain
	}
	return nil
}

func (m *Mail) readParts(parts *multipart.Reader) error {
	for {
		p, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := m.read(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
			return err
		}
	}
}

func decode(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	default:
		return body
	}
}
