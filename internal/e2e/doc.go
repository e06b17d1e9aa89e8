// Package e2e drives the real program from outside, as people do: in Chromium,
// with a real mail server and a text gateway, an independent reader of QR codes
// and an independent generator of app tokens.
package e2e
