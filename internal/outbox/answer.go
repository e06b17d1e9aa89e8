package outbox

import (
	_ "embed"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"countersign"
)

// maxAnswer is how many characters of an answer are kept.
const maxAnswer = 200

//go:embed vocabulary.txt
var vocabularyText string

// vocabulary is every word of an answer that may be kept: those of our own sentences, and the
// usual ones of mail servers. It has no digits, number words or names, so that no token, code,
// link, number or address can be put together from it, however a server encodes what it
// repeats.
var vocabulary = func() map[string]bool {
	all := map[string]bool{}
	add := func(text string) {
		for _, word := range strings.Fields(text) {
			all[strings.ToLower(word)] = true
		}
	}
	for _, line := range strings.Split(vocabularyText, "\n") {
		if !strings.HasPrefix(line, "#") {
			add(line)
		}
	}
	for code := 200; code < 600; code++ {
		add(strings.Map(lettersOnly, http.StatusText(code)))
	}
	return all
}()

func lettersOnly(r rune) rune {
	if unicode.IsLetter(r) {
		return r
	}
	return ' '
}

// answerCode matches the code that an answer may begin with: three digits, optionally with an
// enhanced code (RFC 3463) or a Twilio error; or a status of SMPP or Vonage.
var answerCode = regexp.MustCompile(`^(it did not take our login: |it wants a login: )?` +
	`(?:([2-5][0-9][0-9])(?: ([245]\.[0-7]\.[0-9]{1,3})| ([0-9]{5}))?|0x[0-9a-f]{2,3}|status [0-9]{1,2})(?:[ :-]+|$)`)

// elided replaces words that are not kept.
const elided = "…"

// Redact returns what may be kept, logged and shown of the answer of a server or gateway: its
// code, and its words that are in the vocabulary. Whatever a server repeats of the message is
// removed, however it is written (OT-10).
func Redact(answer string) string {
	if answer == errUnencrypted.Error() {
		return answer // our own text, with a setting in it
	}
	answer = legible(oneLine(answer))
	code := answerCode.FindString(answer)
	if said := answerCode.FindStringSubmatch(answer); code != "" && said[4] != "" && twilioErrors[said[4]] == "" {
		code = said[1] + said[2] + " " // not the number of a Twilio error
		answer = strings.Replace(answer, said[4], "", 1)
	}
	words, kept, all := "", 0, 0
	for _, field := range strings.Fields(answer[len(strings.TrimRight(code, " ")):]) {
		all++
		switch {
		case field == elided:
			all--
			fallthrough
		case !isVocabulary(field):
			if !strings.HasSuffix(words, elided+" ") {
				words += elided + " "
			}
		default:
			kept++
			words += field + " "
		}
	}
	code = strings.TrimSpace(code)
	words = strings.TrimRight(words, elided+" ")
	if kept*2 < all || code == "" && kept*3 < all*2 {
		words = ""
	}
	switch {
	case words == "" && code == "" && answer != "":
		return "its answer is not shown"
	case words == "":
		return strings.TrimRight(code, ":- ")
	}
	return shortened(strings.TrimSpace(code + " " + words))
}

func shortened(text string) string {
	if runes := []rune(text); len(runes) > maxAnswer {
		return strings.TrimSpace(string(runes[:maxAnswer-1])) + elided
	}
	return text
}

// answerMarks are the marks around and between words that are kept.
const answerMarks = `.,;:!?()"'`

// isVocabulary reports whether every word of a field is in the vocabulary.
func isVocabulary(field string) bool {
	field = strings.Trim(field, answerMarks)
	for _, word := range strings.FieldsFunc(field, func(r rune) bool { return r == '-' || r == '/' }) {
		if !vocabulary[strings.ToLower(word)] {
			return false
		}
	}
	return field != "" && field[0] != '-' && field[0] != '/'
}

// reasonHints are words from which to infer a reason if the server gives no code for it. They
// are searched in this order.
var reasonHints = []struct {
	reason countersign.Reason
	words  []string
}{
	{countersign.ReasonSilent, []string{"there was no answer", "can't be read", "may have been taken", "broke off"}},
	{countersign.ReasonUnreachable, []string{"it can't be reached", "name can't be found"}},
	{countersign.ReasonSettings, []string{"login", "certificate", "encryption", "relay", "helo", "ehlo", "fully-qualified", "fully qualified", "authenticat", "client host", "sender address", "sender rejected", "not owned by user", "not allowed to send", "reverse dns", "ptr record"}},
	{countersign.ReasonMailboxFull, []string{"mailbox full", "mailbox is full", "over quota", "overquota", "quota exceeded", "exceeded storage", "out of storage", "insufficient system storage for"}},
	{countersign.ReasonLater, []string{"greylist", "graylist", "try again later", "come back later"}},
	{countersign.ReasonRateLimited, []string{"too many", "rate limit", "ratelimit", "throttl", "sending limit", "queue full"}},
	{countersign.ReasonBlocked, []string{"spam", "blacklist", "blocklist", "blocked", "blackhole", "reputation", "policy", "content refused", "content rejected"}},
	{countersign.ReasonNoAddress, []string{"user unknown", "unknown user", "no such user", "no such number", "no such recipient", "no such mailbox", "does not exist", "doesn't exist", "mailbox unavailable", "mailbox not found", "unknown recipient", "invalid recipient", "recipient unknown", "address unknown", "user not found", "disabled", "inactive"}},
	{countersign.ReasonTooLarge, []string{"too large", "too big", "size limit", "exceeds size"}},
}

// reasonByCode maps reasons to the enhanced codes that prove them, whatever the words are.
var reasonByCode = map[countersign.Reason][]string{
	countersign.ReasonMailboxFull: {"2.2"},
	countersign.ReasonNoAddress:   {"1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.1"},
	countersign.ReasonSettings:    {"1.7", "1.8", "5.0", "5.1", "5.2", "5.4", "5.5", "7.3", "7.8", "7.9", "7.11", "7.14"},
	countersign.ReasonTooLarge:    {"2.3", "3.4"},
}

// reasonOf classifies an answer, redacted or not.
func reasonOf(answer string) countersign.Reason {
	said := answerCode.FindStringSubmatch(answer)
	code, class, subject := 0, "", ""
	if said != nil {
		code, _ = strconv.Atoi(said[2])
		class, subject, _ = strings.Cut(said[3], ".")
	}
	if code >= 500 && code <= 504 || code == 530 || code == 534 || code == 535 || code == 538 { // about the connection, not this mail
		return countersign.ReasonSettings
	}
	reason := inferReason(class, subject, strings.ToLower(answer))
	switch {
	case code/100 == 4 && (reason == countersign.ReasonNoAddress || reason == countersign.ReasonBlocked || reason == "") && said[4] == "":
		return countersign.ReasonLater // may succeed later
	case reason != "":
		return reason
	case code/100 == 5 && strings.HasPrefix(subject, "7."):
		return countersign.ReasonBlocked
	default:
		return countersign.ReasonRefused
	}
}

// inferReason returns the reason that an enhanced code or the words indicate; empty if none.
func inferReason(class, subject, words string) countersign.Reason {
	for reason, subjects := range reasonByCode {
		if class != "2" && slices.Contains(subjects, subject) {
			return reason
		}
	}
	for _, hint := range reasonHints {
		for _, part := range hint.words {
			if strings.Contains(words, part) {
				return hint.reason
			}
		}
	}
	return ""
}

// reasonWords says why, for answers without words that can be shown.
var reasonWords = map[countersign.Reason]string{
	countersign.ReasonMailboxFull: "the mailbox is full",
	countersign.ReasonNoAddress:   "there is no such address",
	countersign.ReasonBlocked:     "blocked by a rule of the receiver",
	countersign.ReasonStopped:     "the owner of the number has said STOP",
	countersign.ReasonTooLarge:    "the mail is too large",
	countersign.ReasonLater:       "try again later",
	countersign.ReasonRateLimited: "too many messages",
	countersign.ReasonSettings:    "our settings are not accepted",
	countersign.ReasonRefused:     "refused",
}

// NoText begins our own words that are added to an answer with a code only. They end with a
// parenthesis.
const NoText = " (no text: "

// Explained returns an answer for people. The reason that was added to a bare code is marked as
// a guess of ours.
func Explained(answer string) string {
	code, ours, bare := strings.Cut(strings.TrimRight(answer, ". "), NoText)
	if !bare {
		return answer
	}
	return code + ", without a reason. It probably means: " + strings.TrimSuffix(ours, ")")
}

// withReason adds the reason to an answer that is only a code. It marks the words as ours,
// because pages show the rest as the server's answer.
func withReason(answer string, reason countersign.Reason) string {
	if answer == "" || answer != strings.TrimSpace(answerCode.FindString(answer)) || reasonWords[reason] == "" {
		return answer
	}
	return answer + NoText + reasonWords[reason] + ")"
}
