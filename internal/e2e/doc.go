// Package e2e tests the real program from outside: in Chromium, with a real mail server and a text
// gateway, an independent QR code reader and an independent generator of app tokens.
package e2e
