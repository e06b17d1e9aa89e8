package web

// An appStores is the app store of a phone, with the apps to recommend.
type appStores struct {
	Name string
	Apps []storeApp
}

type storeApp struct{ Name, Link string }

// The stores, with the apps that the TechNote names (M17).
var (
	appStore = appStores{"the App Store", []storeApp{
		{"Microsoft Authenticator", "https://apps.apple.com/app/microsoft-authenticator/id983156458"},
		{"Google Authenticator", "https://apps.apple.com/app/google-authenticator/id388497605"},
		{"Authy", "https://apps.apple.com/app/twilio-authy/id494168017"},
	}}
	googlePlay = appStores{"Google Play", []storeApp{
		{"Microsoft Authenticator", "https://play.google.com/store/apps/details?id=com.azure.authenticator"},
		{"Google Authenticator", "https://play.google.com/store/apps/details?id=com.google.android.apps.authenticator2"},
		{"Authy", "https://play.google.com/store/apps/details?id=com.authy.authy"},
	}}
)

// OnPhone reports whether the page is read on a device that runs authenticator apps.
func (p enrollPage) OnPhone() bool { return p.OS == "iOS" || p.OS == "iPadOS" || p.OS == "Android" }

// MayBeTablet reports whether the browser may be on an iPad, which identifies itself as a Mac. The
// style sheet shows the text for iPads on touch screens.
func (p enrollPage) MayBeTablet() bool { return p.OS == "macOS" }

// Store returns the app store of the phone.
func (p enrollPage) Store() appStores {
	if p.OS == "Android" {
		return googlePlay
	}
	return appStore
}
