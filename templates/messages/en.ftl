### Texts for people. Ids are the same in every language; tests compare them.
### $count chooses plurals; every other argument is a name or text shown as it is.

## Frame

skip-to-content = Skip to content
language = Language
footer-privacy = Privacy
footer-terms = Terms
footer-support = Get help
footer-powered = Powered by Chancery
opens-in-new-tab = (opens in a new tab)
copy = Copy
copied = Copied
continue = Continue
try-again = Try again
start-again = Start again
start-again-at = Start again at { $client }
start-again-yourself = Go back to the app you came from and sign in there again.
start-again-yourself-at = Go back to { $client } and sign in there again.
back-to-client = Back to { $client }
switch-account = Switch account
use-another-account = Use another account
stay-signed-in = Stay signed in

tone-info = Note:
tone-ok = Done:
tone-warn = Caution:
tone-danger = Problem:

## Time

ago-now = just now
ago-minutes = { $count ->
    [one] { $count } minute ago
   *[other] { $count } minutes ago
}
ago-hours = { $count ->
    [one] { $count } hour ago
   *[other] { $count } hours ago
}
ago-days = { $count ->
    [one] { $count } day ago
   *[other] { $count } days ago
}
lasting-seconds = { $count ->
    [one] { $count } second
   *[other] { $count } seconds
}
lasting-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
lasting-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
lasting-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}

## Forms

errors-title = { $count ->
    [one] Please correct one thing
   *[other] Please correct { $count } things
}
username = Username
username-or-email = Username or email
email = Email
password = Password
new-password = New password
password-show = Show password
password-rule = { $count ->
    [one] At least { $count } character. Anything you can type is allowed; several unrelated words make a good password.
   *[other] At least { $count } characters. Anything you can type is allowed; several unrelated words make a good password.
}
creating = Creating…

field-username-missing = Enter your username or email.
field-password-missing = Enter your password.
field-sign-in-wrong = The username or the password is not right. Check both and try again.
field-username-invalid = Use letters, digits, dots, hyphens and underscores only.
field-new-username-missing = Choose a username.
field-username-taken = This username is in use. Choose another one.
field-name-invalid = Use no more than 100 characters, all of them ones that can be seen.
field-email-missing = Enter an email address.
field-email-invalid = Enter an email address like name@example.com.
field-email-taken = This email address is in use. Choose another one.
field-new-password-missing = Choose a password.
field-new-password-short = { $count ->
    [one] Use at least { $count } character.
   *[other] Use at least { $count } characters.
}
field-new-password-long = { $count ->
    [one] Use no more than { $count } character.
   *[other] Use no more than { $count } characters.
}
field-new-password-common = This password is on lists that attackers try first. Choose another one.

## Sign in

sign-in = Sign in
signing-in = Signing in…
sign-in-to = Sign in to { $client }
sign-in-forgot = Forgot your password?
sign-in-keep = Keep me signed in on this device
sign-in-keep-hint = Not on a device that others use too.
sign-in-no-account = New here?
sign-in-register = Create an account
not-you = Not you?
client-links = How { $client } treats your data:
client-privacy = Privacy policy
client-terms = Terms of use

notice-reauthenticate = { $client } asks you to sign in again, to be sure that it is you.
notice-reauthenticate-here = Please sign in again, so that we can be sure it is you.
notice-session-expired = You were signed out because some time had passed. Sign in to continue.
notice-slow-down = There were too many attempts. Please try again in { $wait }.
notice-registration-closed = New accounts can no longer be created here. Sign in if you have one.
notice-signed-out-elsewhere = That session was signed out.
notice-signed-out-others = All other sessions were signed out.

## Create an account

new-account-title = Create your account
new-account-username-hint = You sign in with it, and it cannot be changed later. Letters, digits, dots, hyphens and underscores.
new-account-name = Name (optional)
new-account-name-hint = As apps and other people should see it.
new-account-create = Create account
new-account-have-one = Do you have an account already?

## Choose an account

chooser-title = Choose an account
chooser-for-client = to continue to { $client }
chooser-remove = Remove { $name } from this list
chooser-remove-signed-in = Sign { $name } out and remove from this list
account-signed-in = Signed in
account-signed-out = Signed out

## Consent

consent-title = { $client } asks for access
consent-title-also = { $client } asks for more access
consent-intro = If you allow it, { $client } can:
consent-intro-resources = You have given { $client } access before. If you allow it, that access also works with what is named here.
consent-also = You have given { $client } access before. It now also wants what is marked as new.
consent-again = You have allowed { $client } this before. We ask again, to be sure that you still want it.
consent-unverified = Nobody has verified { $client } here. Allow it only if you know and trust it.
consent-group-profile = Your profile
consent-group-behalf = On your behalf
consent-group-away = While you are away
consent-new = New
consent-optional = Optional
consent-resources = { $count ->
    [one] For use with
   *[other] For use with
}
consent-host = Then takes you to
consent-choice = Tick what you want to give. What stays unticked is not given.
consent-remembered = What you allow is remembered until it is taken back. An administrator can do that at any time.
consent-each-time = You are asked each time, because other programs could pretend to be this app. An administrator can take the access back at any time.
allow = Allow
allowing = Allowing…
deny = Deny
denying = Denying…

## Standard scopes, and a fallback for those that a tenant left without words

scope-openid = Know that it is you
scope-openid-sentence = Recognise your account when you sign in.
scope-profile = See your profile
scope-profile-sentence = Your name, picture, language and similar details.
scope-email = See your email address
scope-email-sentence = Your email address, and whether it is confirmed.
scope-address = See your postal address
scope-address-sentence = The postal address in your account.
scope-phone = See your phone number
scope-phone-sentence = Your phone number, and whether it is confirmed.
scope-offline_access = Keep this access while you are away
scope-offline_access-sentence = Use what you allow here even when you are not signed in, until you withdraw it.
scope-other = Use “{ $scope }”
scope-other-sentence = A permission defined by this organisation.

## Sign out

sign-out = Sign out
signing-out = Signing out…
sign-out-title = Sign out of { $tenant }?
sign-out-effect = You will need to sign in again the next time.
sign-out-accounts = { $count ->
    [one] You are signed in here with { $count } account. It will be signed out.
   *[other] You are signed in here with { $count } accounts. All of them will be signed out.
}
sign-out-effect-apps = { $count ->
    [one] This app will be told that you signed out:
   *[other] These apps will be told that you signed out:
}
signed-out-title = You are signed out
signed-out-text = You can close this window now.

## Going on

form-post-title = Back to { $client }
form-post-text = You are being taken back. If nothing happens, press the button.
resume-finished = Already signed in
resume-finished-text = This sign-in was finished in another tab. You can close this one.
resume-expired = This sign-in took too long
resume-expired-text = For your safety, an unfinished sign-in ends after a while. Nothing is lost; just start again.

## Sessions

sessions-title = Where you are signed in
sessions-lead = Sign out whatever you do not recognise, and tell your administrator.
sessions-current = This device
sessions-kept = Stays signed in
sessions-seen = Last used
sessions-started = Signed in
sessions-place = From
sessions-apps = Apps
sessions-unknown-device = Unknown device
sessions-device = { $browser } on { $system }
sessions-end-named = Sign out { $device }
sessions-end-others = Sign out all others
sessions-end-others-effect = Everything but this device will have to sign in again.

## First administrator

first-admin-title = Create the first administrator
first-admin-lead = This account may change everything. The link that brought you here works once.
first-admin-username-hint = You sign in with it. Letters, digits, dots, hyphens and underscores.
first-admin-email-hint = For notices about security. Nobody else sees it.
first-admin-create = Create administrator
first-admin-done = You are the administrator now
first-admin-done-text = The account { $name } exists and may change everything.

## Errors: heading, what happened, what to do

error-trace = Reference
error-time = Time
error-code = Error code
error-for-developers = Details for developers
error-docs = Read about this error
error-parameter = Parameter
error-description = Description
error-request = Request

error-access-denied = Access was not allowed
error-access-denied-what = The access that was asked for has been refused.
error-access-denied-next = If that was a mistake, go back to the app and start again.
error-account-unavailable = This account cannot be used
error-account-unavailable-what = The account is locked or has not been approved yet.
error-account-unavailable-next = Ask the people who run this service to have a look.
error-bad-redirect-uri = We stopped before leaving this site
error-bad-redirect-uri-what = The app asked to send you to an address that it has not registered. To protect you, we did not follow.
error-bad-redirect-uri-next = Go back to the app and try again. If it keeps happening, tell the people who run the app.
error-clock-skew = The clocks do not agree
error-clock-skew-what = The request carries a time that lies too far from ours.
error-clock-skew-next = Check the date and time of your device, then try again.
error-cookies-needed = Cookies are switched off
error-cookies-needed-what = Signing in needs a cookie, and your browser did not send ours back.
error-cookies-needed-next = Allow cookies for this site, then try again.
error-expired = This page has expired
error-expired-what = Too much time has passed since you began.
error-expired-next = Go back to the app and start again.
error-forbidden = You may not open this page
error-forbidden-what = Your account does not have the rights that this page needs.
error-forbidden-next = Sign in with another account, or ask an administrator for access.
error-form-expired = This form is out of date
error-form-expired-what = We could not be sure that the form came from you, so nothing was changed.
error-form-expired-next = Open the page again and send the form once more.
error-invalid-request = The app sent a request we cannot use
error-invalid-request-what = Something in the request is missing or wrong. It is nothing that you did.
error-invalid-request-next = Go back to the app and try again. If it keeps happening, give the reference below to the people who run the app.
error-link-used = This link no longer works
error-link-used-what = It has been used before, or is too old.
error-link-used-next = Ask for a new link.
error-login-required = You need to sign in
error-login-required-what = Nobody is signed in in this browser, or you were signed out because some time had passed.
error-login-required-next = Open one of your apps and sign in there, then come back to this page.
error-method-not-allowed = This page cannot be used like that
error-method-not-allowed-what = The address exists, but not for this kind of request.
error-method-not-allowed-next = Go back and use the links and buttons on the page.
error-not-found = There is nothing here
error-not-found-what = The address is wrong, or the page has moved.
error-not-found-next = Check the address, or go back to where you came from.
error-other-browser = This sign-in belongs to another browser
error-other-browser-what = It was begun in a different browser or on a different device, and can only be finished there.
error-other-browser-next = Go on in the browser where you began, or start again in this one.
error-post-logout-uri = You cannot be sent back there
error-post-logout-uri-what = The app asked to send you to an address that it has not registered. To protect you, we did not follow.
error-post-logout-uri-next = You can close this window, or open the app again yourself.
error-server-error = Something went wrong on our side
error-server-error-what = We could not finish this. It is nothing that you did.
error-server-error-next = Try again in a moment. If it keeps happening, contact support with the reference below.
error-tenant-suspended = This organisation is not active
error-tenant-suspended-what = Signing in has been switched off here for now.
error-tenant-suspended-next = Ask the people who run this service.
error-too-large = That was too much at once
error-too-large-what = The request is larger than we accept.
error-too-large-next = Go back and try again with less.
error-too-many-requests = Too many requests
error-too-many-requests-what = There were more requests from here than we can allow in a short time.
error-too-many-requests-next = Wait a minute, then try again.
error-unauthorized-client = This app may not do that
error-unauthorized-client-what = The app is not allowed to ask for access in this way.
error-unauthorized-client-next = Tell the people who run the app, and give them the reference below.
error-unavailable = We will be back shortly
error-unavailable-what = The service is being worked on, or has too much to do.
error-unavailable-next = Try again in a few minutes. What you have already saved is safe.
error-unknown-client = We do not know this app
error-unknown-client-what = The app that sent you is not registered here, or no longer is.
error-unknown-client-next = Check that you came from the right place, or tell the people who run the app.
error-unknown-tenant = Nobody lives at this address
error-unknown-tenant-what = There is no organisation with this name here.
error-unknown-tenant-next = Check the address you were given.
error-unmet-requirements = This sign-in is not strong enough
error-unmet-requirements-what = The app asks for a stronger check than your account can give right now.
error-unmet-requirements-next = Go back to the app, or ask an administrator how to add another way to sign in.
error-unsupported = We cannot do what the app asked
error-unsupported-what = The app used an option that is not offered here.
error-unsupported-next = Tell the people who run the app, and give them the reference below.

## What error codes mean, for developers: `code-{code}`, and what to do: `-fix`

codes-title = Error codes
codes-lead = What this server answers when it refuses a request, in plain words.
codes-column-code = Code
codes-column-means = What it means
codes-fix = What to do
codes-defined = Defined in
codes-ours = Chancery’s own
codes-all = All error codes

code-invalid_request = The request lacks a parameter, holds one twice, or holds a value that cannot be used.
code-invalid_request-fix = The description or the parameter shown names what is wrong; where neither is there, the log does: look for the reference. Compare the request with the documentation of the endpoint; most client libraries get this right by themselves.
code-invalid_client = The client did not prove who it is: it is unknown or switched off, its secret or assertion is wrong, or it used another method than the one it is registered with.
code-invalid_client-fix = Check client_id, the secret or the key, and token_endpoint_auth_method. With an assertion also check aud, exp and jti, and the clock of the machine that made it.
code-invalid_grant = The authorization code or refresh token is unknown, expired, used up, revoked or another client’s. Or redirect_uri or code_verifier differ from what the authorization request said.
code-invalid_grant-fix = Redeem each code once and at once, and always keep the newest refresh token. If none is left that works, let the person sign in again.
code-unauthorized_client = The client is known, but it is not registered for this grant.
code-unauthorized_client-fix = Add the grant to the grant_types of the client, or use one that is there.
code-unsupported_grant_type = This server does not offer the grant_type of the request.
code-unsupported_grant_type-fix = Use one that grant_types_supported lists in the metadata.
code-unsupported_response_type = The response_type is not code, and this server offers no other.
code-unsupported_response_type-fix = Use the authorization code flow with PKCE. It takes the place of the implicit and hybrid flows.
code-unsupported_token_type = This server cannot revoke a token of this type.
code-unsupported_token_type-fix = Revoke the refresh token instead, or wait until the token expires.
code-invalid_scope = None of the scopes may be asked for by this client, or more was asked for than was granted.
code-invalid_scope-fix = Compare the scope of the request with the scope of the client. When narrowing, ask for part of what was granted.
code-invalid_target = A resource is unknown here, malformed, or was not granted.
code-invalid_target-fix = Name the API exactly as it is registered, character by character.
code-access_denied = The person said no, or the organisation does not allow it.
code-access_denied-fix = Take it as an answer, not as a failure: tell the person what will not work, and offer to try again.
code-server_error = Something failed on the server.
code-server_error-fix = Try again later. With the reference, the people who run the server find the whole story in its log.
code-temporarily_unavailable = The server has too much to do, cannot reach its database, or slows this client down after many failures.
code-temporarily_unavailable-fix = Wait as long as Retry-After says, then try again.
code-invalid_token = The access token is missing, malformed, expired, revoked, or meant for another API.
code-invalid_token-fix = Get a new one with the refresh token, or let the person sign in again.
code-insufficient_scope = The access token is good, but lacks a scope that is needed here.
code-insufficient_scope-fix = Ask for that scope when the person signs in.
code-login_required = Nobody is signed in, or not recently enough, or somebody else than the request names (claims with sub). Either the request forbids pages (prompt=none), or the page is only for those who are signed in.
code-login_required-fix = Send the request again without prompt=none, and name a person only by a sub that this server gave out. On a page: sign in through an app first.
code-consent_required = The request forbids pages (prompt=none), but the person has yet to allow something.
code-consent_required-fix = Send the request again without prompt=none, so that the person can be asked.
code-account_selection_required = The request forbids pages (prompt=none), but several people are signed in in this browser.
code-account_selection_required-fix = Send the request again without prompt=none, or say with id_token_hint who is meant.
code-interaction_required = The request forbids pages (prompt=none), but one would have to be shown.
code-interaction_required-fix = Send the request again without prompt=none.
code-unmet_authentication_requirements = The request demands a stronger sign-in (acr) than anybody can give here.
code-unmet_authentication_requirements-fix = Demand one that acr_values_supported lists in the metadata, or wish for it instead of demanding it.
code-request_not_supported = The parameter request carries a request object, which this server does not read.
code-request_not_supported-fix = Send the parameters one by one.
code-request_uri_not_supported = The parameter request_uri refers to a request object, which this server does not read.
code-request_uri_not_supported-fix = Send the parameters one by one.
code-registration_not_supported = The parameter registration is not supported here.
code-registration_not_supported-fix = Register the client beforehand, at registration_endpoint or with an administrator.
code-invalid_redirect_uri = A redirect URI of the registration is not allowed.
code-invalid_redirect_uri-fix = Give whole https addresses without fragment. Loopback addresses and private schemes are for native clients.
code-invalid_client_metadata = A value of the registration is not allowed, or two of them do not fit together.
code-invalid_client_metadata-fix = The description names the member and what would be right.
code-invalid_software_statement = The software statement of the registration cannot be used.
code-invalid_software_statement-fix = Leave it out and give the members one by one.
code-forbidden = The form or page belongs to another browser or comes from another site, so nothing was changed.
code-forbidden-fix = Go on in the browser in which it began, with cookies allowed, and open the page anew.
code-not_found = There is nothing at this address.
code-not_found-fix = Take addresses from the metadata of the issuer instead of putting them together.
code-gone = The link or page was used already, or is too old.
code-gone-fix = Begin anew, or ask for a new link.

## Developer pages

start-title = Chancery is running
start-lead = This is a development server: it listens on this machine only, and keeps mail instead of sending it.
start-issuer = Your issuer
start-issuer-hint = Give this address to your app. Everything else follows from it.
start-metadata = See its metadata
start-next = What to do next
start-playground = Playground
start-playground-text = Run a flow and read every request and answer.
start-account = Your account
start-account-text = Sessions of the person who is signed in.
start-mail = Caught mail
start-mail-text = Everything that would have been sent.
start-errors = Error pages
start-errors-text = Every error a person can meet.
start-styleguide = Style guide
start-styleguide-text = Every component in every state.
start-clients = Sample clients
start-client-id = Client ID
start-client-kind = Kind
start-client-secret = Secret
start-client-uri = Redirect URI
start-no-secret = none
start-secret-shown = shown once, when it was made
start-kind-web = Web app
start-kind-spa = Browser app
start-kind-native = Native app
start-kind-machine = Machine
start-kind-device = Device
start-people = Sample people
start-people-hint = Passwords of sample people are printed once, when they are made. This command sets a new one:

mail-title = Caught mail
mail-lead = In development nothing is sent. What would have been is listed here, newest first.
mail-empty = No mail yet
mail-empty-text = No mail has been sent yet. What the server sends in development is caught and shown here.
mail-again = Look again
mail-links = Links in this mail

dev-errors-title = Error pages
dev-errors-lead = Every error that ends on one of our pages, as people see it.
dev-errors-status = Status
dev-errors-kind = Kind
dev-errors-title-column = Heading

playground-title = Playground
playground-lead = Pick a client and a flow, run it, and see what goes over the wire.
playground-client = Client
playground-flow = Flow
playground-flow-code = Authorization code
playground-flow-client-credentials = Client credentials
playground-flow-refresh = Refresh token
playground-flow-device = Device
playground-with = With
playground-with-pkce = PKCE
playground-with-par = Pushed request (PAR)
playground-with-dpop = Key-bound tokens (DPoP)
playground-with-resource = A resource
playground-with-claims = Chosen claims
playground-with-offline-access = Access while you are away (offline_access)
playground-run = Run the flow
playground-running = Running…
playground-sequence = What happened
playground-sequence-hint = Open a line to read the message as it was sent. Secrets are masked.
playground-done = The flow ran to its end.
playground-refused = The flow ended early. { $reason }
playground-empty = Nothing has run yet
playground-empty-text = Press “Run the flow” to see the first exchange.
playground-from-to = From { $from } to { $to }:
playground-curl = As a command
playground-opaque = This token says nothing by itself. Ask the introspection endpoint what it means.
playground-claim = Name
playground-value = Value
playground-meaning = Meaning
playground-header = Header
playground-claims = Claims
playground-raw = As it came
lane-app = App
lane-browser = Browser
lane-server = Chancery

step-authorize = The app sends the browser to sign in.
step-pushed = The app hands over the request directly, so that nobody can change it on the way.
step-interaction = The person signs in and decides.
step-callback = The browser brings the code back to the app.
step-token = The app trades the code for tokens.
step-refresh = The app trades the refresh token for new tokens.
step-client-credentials = The app asks for a token in its own name.
step-userinfo = The app asks who signed in.
step-device = The device asks for a code to show.
step-device-poll = The device asks whether the person has decided.
step-answer = The answer.

claim-acr = How strong the sign-in was, as one word.
claim-alg = Which algorithm signed the token.
claim-amr = How the person proved who they are.
claim-at_hash = Ties the ID token to the access token that came with it.
claim-aud = Who the token is for. Anybody else must refuse it.
claim-auth_time = When the person last signed in.
claim-azp = Which client asked for the token.
claim-c_hash = Ties the ID token to the code that came with it.
claim-client_id = Which client the token was issued to.
claim-cnf = The key that whoever presents the token must prove to hold.
claim-email = The email address.
claim-email_verified = Whether the email address is confirmed.
claim-exp = When the token stops working.
claim-family_name = The family name.
claim-given_name = The given name.
claim-grant = The permission the token came of. When that ends, so does the token.
claim-iat = When the token was made.
claim-iss = Who made the token. It leads to the keys that check it.
claim-jti = A name for this one token, so that it can be told apart.
claim-kid = Which of the issuer’s keys signed the token.
claim-locale = The language the person prefers.
claim-name = The name as it is shown.
claim-nbf = Before this time the token does not work yet.
claim-nonce = What the app sent along, to recognise its own request.
claim-preferred_username = The name the person signs in with. It may change.
claim-scope = What the token allows.
claim-sid = The session it belongs to, for signing out.
claim-sub = The person, by an identifier that never changes.
claim-typ = What kind of token this is.
claim-updated_at = When the profile last changed.
claim-zoneinfo = The time zone of the person.
claim-other = A claim this page has no words for.

## Style guide

guide-title = Style guide
guide-lead = Every component in every state. Change the language, the colour scheme and the width of the window while you look.
guide-buttons = Buttons
guide-primary = Primary
guide-secondary = Secondary
guide-quiet = Quiet
guide-danger = Danger
guide-busy = Busy
guide-link = Link
guide-fields = Fields
guide-field-empty = Empty
guide-field-hint = With a hint
guide-field-hint-text = The hint says what is expected before anybody types.
guide-field-filled = Filled in
guide-field-wrong = Wrong
guide-field-wrong-text = This says what is wrong and how to mend it.
guide-field-fixed = Read-only
guide-field-code = Code
guide-field-select = Selection
guide-option-a = First choice
guide-option-b = Second choice
guide-checks = Choices
guide-check-off = Off
guide-check-on = On
guide-alerts = Notices
guide-alert-text = A sentence that says what happened, and what to do now.
guide-badges = Badges and chips
guide-badge = Badge
guide-people = Accounts and clients
guide-scopes = Permissions
guide-icons = Icons
guide-tiles = Tiles
guide-card = Cards
guide-facts = Facts
guide-fact-name = Name
guide-fact-value = Value
guide-tables = Tables
guide-empty = Empty state
guide-empty-title = Nothing here yet
guide-empty-text = One sentence that says how to change that.
guide-fold = Folded text
guide-type = Type
guide-heading-1 = Page heading
guide-heading-2 = Section heading
guide-heading-3 = Small heading
guide-body = Running text keeps to sixty-five characters a line, because longer lines are hard to follow with the eye. It wraps on narrow screens and grows when people ask for larger letters.
guide-colours = Colours
