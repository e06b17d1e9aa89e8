package apptest

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/store"
)

// load imports a file and returns its problems as "line column code".
func load(t *testing.T, h *App, i admin.Import) (done admin.Imported, wrong []string) {
	t.Helper()
	done, err := h.Admin.ImportUsers(t.Context(), h.Visit(), Operator, i)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range done.Problems {
		wrong = append(wrong, strings.Join(strings.Fields(fmt.Sprint(p.Line, " ", p.Column, " ", countersign.CodeOf(p.Err))), " "))
	}
	return done, wrong
}

// users returns the user IDs of the agency.
func users(t *testing.T, h *App) (all []string) {
	t.Helper()
	l, err := h.Admin.Users(t.Context(), h.Visit(), Operator, admin.Query{Sort: "login", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range l.Rows {
		all = append(all, u.Login)
	}
	return all
}

const bcrypted = "$2b$05$abcdefghijklmnopqrstuuFiPhXf1sVd3pCCRO.uVh34H/qI/ZsuS" // of Password

// A file of users, with a byte order mark: hashes of other programs work at the sign-in and are
// replaced by it (PW-01). Links are sent only if requested.
func TestImport(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		file := "\xef\xbb\xbfuser_id,name,email,mobile,groups,rights,password_hash\r\n" +
			"BSMITH,Bob Smith,bsmith@demo.example,6145550112,Agents;Claims,," + bcrypted + "\r\n" +
			`CBILLS,"=HYPERLINK(""http://evil.example"",""Bills"")",cbills@demo.example,,,Admin-Audit|Admin-Messages,` + "\r\n" +
			"JJONES,Jim Jones,,,,,\r\n"
		done, wrong := load(t, h, admin.Import{Text: []byte(file), DryRun: true})
		if len(wrong) > 0 || done.Added != 3 || len(users(t, h)) != 0 {
			t.Fatalf("a dry run: %+v %q, users %q", done, wrong, users(t, h))
		}
		if _, wrong := load(t, h, admin.Import{Text: []byte(file), Invite: true}); !slices.Equal(wrong, []string{"4 email email.activation"}) || len(users(t, h)) != 0 {
			t.Fatalf("a link without an address: %q, users %q", wrong, users(t, h))
		}
		if done, wrong = load(t, h, admin.Import{Text: []byte(file)}); len(wrong) > 0 || done.Added != 3 || done.Invited != 0 {
			t.Fatalf("the import: %+v %q", done, wrong)
		}
		if n := len(h.Mail("")); n != 0 {
			t.Errorf("%d mails, and none was requested", n)
		}
		p, err := h.Admin.User(t.Context(), h.Visit(), Operator, "cbills")
		if err != nil || p.User.Name != `=HYPERLINK("http://evil.example","Bills")` || !p.User.Has(countersign.RightAudit) || !p.User.Has(countersign.RightMessages) {
			t.Errorf("%+v, %v", p.User, err)
		}
		if p, _ = h.Admin.User(t.Context(), h.Visit(), Operator, "BSMITH"); !slices.Equal(p.User.Groups, []string{"Agents", "Claims"}) || p.User.Mobile != "+16145550112" {
			t.Errorf("%+v", p.User)
		}
		wantEvents(t, h, "BSMITH", "user.added ok")
		b := h.Browser("192.0.2.10", Chrome)
		if p := b.SignInWith("BSMITH", "wrong "+Password); p.Status != 422 {
			t.Errorf("a wrong password: %d", p.Status)
		}
		b.Enroll("BSMITH")
		hash := ""
		err = h.DB.Read(t.Context(), h.Agency.ID, func(tx *store.Tx) error {
			u, err := tx.UserByLogin(t.Context(), "BSMITH")
			hash = u.Password
			return err
		})
		if err != nil || !strings.HasPrefix(hash, "$argon2id$") {
			t.Errorf("the hash after the sign-in: %q, %v", hash, err)
		}
		b.SignOut()
		wantIn(t, b.SignIn("BSMITH"), "BSMITH")
		if p := h.Browser("192.0.2.11", Chrome).SignIn("JJONES"); p.Status != 422 {
			t.Errorf("a user without a hash: %d", p.Status)
		}
		second := "user_id;name;email\nMGRAY;Mary Gray;mgray@demo.example\n"
		if done, wrong = load(t, h, admin.Import{Text: []byte(second), Invite: true}); done.Invited != 1 || len(wrong) > 0 {
			t.Errorf("%+v %q", done, wrong)
		}
		link(t, h, "mgray@demo.example", "/welcome?link=")
	})
}

// PW-01: a password with letters beyond ASCII, hashed by a system that used Windows-1252, works at
// the sign-in and is replaced by it.
func TestImportedHashOfACodePage(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		const password, typed = "Zo\xeb's cr\xe8me br\xfbl\xe9e", "Zoe\u0308's crème bru\u0302lée" // as stored, and as typed on a Mac
		salt := "0123456789abcdef"
		sum := sha1.Sum([]byte(password + salt))
		hash := "{ssha}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
		if done, wrong := load(t, h, admin.Import{Text: []byte("user_id,name,email,password_hash\nBSMITH,Bob Smith,bsmith@demo.example," + hash + "\n")}); done.Added != 1 {
			t.Fatalf("%+v %q", done, wrong)
		}
		b := h.Browser("192.0.2.10", Chrome)
		if p := b.SignInWith("BSMITH", "Zoe's creme brulee"); p.Status != 422 {
			t.Errorf("a wrong password: %d", p.Status)
		}
		for _, spelling := range []string{typed, norm.NFC.String(typed)} { // the second meets the new hash
			if p := b.SignInWith("BSMITH", spelling); p.Path != "/set-up/email" {
				t.Errorf("%q leads to %s, %d", spelling, p.Path, p.Status)
			}
		}
	})
}

// DS-01: a file is imported completely or not at all. Each problem has its line and column.
func TestImportRefused(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.User("BSMITH")
		const head = "user_id,name,email,mobile,groups,rights,password_hash\n"
		for file, want := range map[string][]string{
			"":                                 {"1 import.empty"},
			head:                               {"1 import.empty"},
			"\n\n":                             {"1 import.empty"},
			"user_id,name,agency_id\nX,Y,Z\n":  {"1 import.column_unknown"},
			"user_id,name,twoFactor\nX,Y,Z\n":  {"1 import.column_unknown"},
			"user_id,user_id,name\nX,X,Y\n":    {"1 import.column_twice"},
			"name,email\nY,Z\n":                {"1 import.column_missing"},
			"user_id,name\nX,Y\nZ\nU,V,W\n":    {"3 name name.required", "4 import.cells"},
			"user_id,name\nX,\"Y\nZ,W\n":       {"2 import.quote"},
			"user_id,name\nX,Y\x81\n":          {"1 import.text"}, // invalid in every encoding
			"user_id,name,nick,nick2\n\"X,Y\n": {"1 import.column_unknown", "1 import.column_unknown", "2 import.quote"},
			"user_id,name\nX,Bob \"B\" S\n,\nY Y,Z\n":                      {"2 import.bare_quote", "4 user_id user_id.form"},
			"user_id,name,mobile,email\nX,Y,6.14556E+09,\n1E+05,Y,,#N/A\n": {"2 mobile import.cell_shortened", "3 user_id import.cell_shortened", "3 email import.cell_error"},
			head + "GOOD,Good One,good@demo.example,,,,\n" +
				"no spaces,,bsmith@demo.example,614555011,,,\n" +
				"bsmith,Bob,b@demo.example,,,,\n" +
				"GOOD,Again,again@demo.example,,,,\n" +
				"MAIL,Mail,good@demo.example,,,,\n" +
				"RIGHT,Right,,,,Everything,\n" +
				"HASH,Hash,,,,,secret\n" +
				"DEAR,Dear,,,,,\"$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$Q2qWcaZ4TC2DGtuHvT6+nv/h/ioCTuEZCr63YBCDWu4\"\n" +
				"LONG,Long,,,,,$6$rounds=2147483648$somesalt$ScN7Q7S.9zUrGalXS2/STR7AAq4WByYsynBR6AoMY3Rus82zRGY2LXCOrNKda.N09mpIDord9DH/Kop1/Ko1t.\n": {
				"3 user_id user_id.form", "3 name name.required", "3 email email.taken", "3 mobile phone.length",
				"4 user_id user_id.taken", "5 user_id import.twice", "6 email import.twice", "7 rights right.unknown",
				"8 password_hash password_hash.form", "9 password_hash password_hash.cost", "10 password_hash password_hash.cost"},
		} {
			if _, wrong := load(t, h, admin.Import{Text: []byte(file), Invite: false}); !slices.Equal(wrong, want) {
				t.Errorf("%.40q:\n got %q\nwant %q", file, wrong, want)
			}
		}
		if all := users(t, h); !slices.Equal(all, []string{"BSMITH"}) {
			t.Errorf("users %q", all)
		}
		_, err := h.Admin.ImportUsers(t.Context(), h.Visit(), countersign.Actor{User: h.Administrator()}, admin.Import{Text: []byte("user_id,name\nX,Y\n")})
		if countersign.CodeOf(err) != "password.not_yours" {
			t.Errorf("an administrator brings hashes: %v", err)
		}
	})
}

// RS-07: removing a user removes all their data at once. The audit log stays, and so does the last
// administrator.
func TestRemoveUser(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		h.User("BSMITH")
		b := h.Browser("192.0.2.10", Chrome)
		b.Enroll("BSMITH")
		if _, err := h.Admin.RemoveUser(t.Context(), h.Visit(), Operator, "BSMITH", " "); countersign.CodeOf(err) != "remove.reason_missing" {
			t.Errorf("without a reason: %v", err)
		}
		if _, err := h.Admin.RemoveUser(t.Context(), h.Visit(), Operator, "ADMIN", "a test"); countersign.CodeOf(err) != "reset.last_administrator" {
			t.Errorf("the last administrator: %v", err)
		}
		if _, err := h.Admin.RemoveUser(t.Context(), h.Visit(), Operator, "NOBODY", "a test"); countersign.KindOf(err) != countersign.KindNotFound {
			t.Errorf("unknown user: %v", err)
		}
		u, err := h.Admin.RemoveUser(t.Context(), h.Visit(), Operator, "bsmith", "left the agency")
		if err != nil {
			t.Fatal(err)
		}
		wantAt(t, b.Get("/profile"), 200, "/sign-in")
		if p := b.SignIn("BSMITH"); p.Status != 422 {
			t.Errorf("a removed user signs in: %d", p.Status)
		}
		err = h.DB.Read(t.Context(), h.Agency.ID, func(tx *store.Tx) error {
			left := 0
			if all, err := tx.Messages(t.Context(), u.ID, 10); err != nil || len(all) > 0 {
				t.Errorf("%d messages, %v", len(all), err)
			}
			for _, devices := range [][]countersign.Device{must(tx.Devices(t.Context(), u.ID))} {
				left += len(devices)
			}
			left += len(must(tx.Factors(t.Context(), u.ID)))
			if left > 0 {
				t.Errorf("%d rows are left", left)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		wantEvents(t, h, "BSMITH", "user.added ok", "sign-in.completed ok", "user.removed ok")
		again := admin.NewUser{Login: "BSMITH", Name: "Another Bob", Email: "bsmith@demo.example", Password: Password}
		if _, err := h.Admin.AddUser(t.Context(), h.Visit(), Operator, again); err != nil {
			t.Fatal(err) // the user ID is free again, and nothing of the first one is left
		}
		wantSetUp(t, b.SignIn("BSMITH"))
	})
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// utf16le encodes text like Excel's "Unicode Text".
func utf16le(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune("\ufeff" + text)) {
		b.WriteString(string([]byte{byte(unit), byte(unit >> 8)}))
	}
	return b.String()
}

// A file has the same users however a spreadsheet wrote it.
func TestImportAsSpreadsheetsWrite(t *testing.T) {
	const plain = "user_id,name,email,mobile\nBSMITH,Zoë Smith,bsmith@demo.example,6145550112\nCBILLS,Carol Bills,cbills@demo.example,\n"
	tabs := strings.ReplaceAll(plain, ",", "\t")
	files := map[string]string{
		"UTF-8":                                 plain,
		"UTF-8 of Excel":                        "\ufeff" + strings.ReplaceAll(plain, "\n", "\r\n"),
		"Unicode text of Excel":                 utf16le(strings.ReplaceAll(tabs, "\n", "\r\n")),
		"tabs":                                  tabs,
		"semicolons":                            strings.ReplaceAll(plain, ",", ";"),
		"Excel's line of the separator":         "sep=;\r\n" + strings.ReplaceAll(plain, ",", ";"),
		"the same, quoted":                      "\"sep=,\"\r\n" + plain,
		"Windows-1252":                          strings.ReplaceAll(plain, "ë", "\xeb"),
		"an old Mac's line ends":                strings.ReplaceAll(plain, "\n", "\r"),
		"the end of MS-DOS":                     plain + "\x1a",
		"empty rows":                            strings.ReplaceAll(plain, "CBILLS", "\n,,,\n , ,\u00a0,\nCBILLS") + ",,,\n\n",
		"empty rows before the head":            "\n\n" + plain,
		"separators before the head":            ",,,\n , ,,\n" + plain,
		"every cell as text":                    strings.NewReplacer("bsmith@", "'bsmith@", "Zoë", "'Zoë", "BSMITH", "'BSMITH").Replace(plain),
		"thousands":                             strings.Replace(plain, "6145550112", `"6,145,550,112"`, 1),
		"separators at the end":                 strings.ReplaceAll(plain, "\n", ",,\n"),
		"cells left out at the end":             strings.ReplaceAll(plain, "cbills@demo.example,", "cbills@demo.example"),
		"names of columns as people write them": strings.Replace(plain, "user_id,name,email,mobile", "User ID,NAME,\u00a0Email,Mobile\u200b", 1),
		"numbers as text, by a formula":         strings.Replace(plain, "6145550112", `"=""6145550112"""`, 1),
		"numbers as text, by a quote":           strings.Replace(plain, "6145550112", "'6145550112", 1),
		"numbers with a fraction":               strings.Replace(plain, "6145550112", "6145550112.0", 1),
	}
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		for kind, file := range files {
			done, wrong := load(t, h, admin.Import{Text: []byte(file)})
			if len(wrong) > 0 || done.Added != 2 {
				t.Errorf("%s: %+v %q", kind, done, wrong)
				continue
			}
			if (done.Encoding != "") != (kind == "Windows-1252") {
				t.Errorf("%s: read as %q", kind, done.Encoding)
			}
			p, err := h.Admin.User(t.Context(), h.Visit(), Operator, "BSMITH")
			if u := p.User; err != nil || u.Name != "Zoë Smith" || u.Email != "bsmith@demo.example" || u.Mobile != "+16145550112" {
				t.Errorf("%s: %+v, %v", kind, u, err)
			}
			for _, login := range []string{"BSMITH", "CBILLS"} {
				if _, err := h.Admin.RemoveUser(t.Context(), h.Visit(), Operator, login, "the next file"); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// Unknown columns can be ignored, and the result says so. Fields without a column do not change
// (DS-01).
func TestImportIgnoresColumns(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		file := []byte("user_id,twoFactor,name,agency_id\nBSMITH,off,Bob Smith,2\n")
		if done, wrong := load(t, h, admin.Import{Text: file}); done.Added != 0 || !slices.Equal(wrong, []string{"1 import.column_unknown", "1 import.column_unknown"}) {
			t.Errorf("by default: %+v %q", done, wrong)
		}
		done, wrong := load(t, h, admin.Import{Text: file, IgnoreUnknown: true})
		if done.Added != 1 || len(wrong) > 0 || !slices.Equal(done.Ignored, []string{"twoFactor", "agency_id"}) {
			t.Errorf("ignored: %+v %q", done, wrong)
		}
	})
}

// A file is read in the code page that the operator names.
func TestImportInACodePage(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		file := []byte("user_id,name\nBSMITH,M\x81ller\n")
		if done, wrong := load(t, h, admin.Import{Text: file}); done.Added != 0 || !slices.Equal(wrong, []string{"1 import.text"}) {
			t.Errorf("by default: %+v %q", done, wrong)
		}
		done, wrong := load(t, h, admin.Import{Text: file, Encoding: "CP850"})
		p, err := h.Admin.User(t.Context(), h.Visit(), Operator, "BSMITH")
		if done.Added != 1 || len(wrong) > 0 || err != nil || p.User.Name != "Müller" {
			t.Errorf("as CP850: %+v %q, %+v %v", done, wrong, p.User, err)
		}
	})
}

// User IDs of digits are read as people mean them: 1001.0 is a spreadsheet's 1001, and
// 1E5 is a name. A number that a spreadsheet shortened is refused.
func TestImportOfUserIDsWithDigits(t *testing.T) {
	Each(t, func(t *testing.T, h *App) {
		h.Administrator()
		done, wrong := load(t, h, admin.Import{Text: []byte("user_id,name,email\n1001.0,One,one@demo.example\n1E5,Two,two@demo.example\n")})
		if len(wrong) > 0 || done.Added != 2 {
			t.Fatalf("%+v %q", done, wrong)
		}
		for _, login := range []string{"1001", "1E5"} {
			if _, err := h.Admin.User(t.Context(), h.Visit(), Operator, login); err != nil {
				t.Errorf("%s: %v", login, err)
			}
		}
		if _, wrong := load(t, h, admin.Import{Text: []byte("user_id,name,email\n6.14556E+09,One,three@demo.example\n")}); len(wrong) != 1 {
			t.Errorf("a shortened number: %q", wrong)
		}
	})
}
