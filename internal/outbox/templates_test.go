package outbox

import (
	"testing"

	"github.com/jba/templatecheck"
)

// TestMailTemplatesFitTheirView type-checks both parts of a mail in every branch.
func TestMailTemplatesFitTheirView(t *testing.T) {
	if err := templatecheck.CheckText(plainMail, page{}); err != nil {
		t.Error(err)
	}
	if err := templatecheck.CheckHTML(htmlMail, page{}); err != nil {
		t.Error(err)
	}
}
