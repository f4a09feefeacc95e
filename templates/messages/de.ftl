### Texte für Menschen. Die Namen sind in allen Sprachen gleich; Tests vergleichen sie.

## Rahmen

skip-to-content = Zum Inhalt springen
language = Sprache
footer-privacy = Datenschutz
footer-terms = Nutzungsbedingungen
footer-support = Hilfe
footer-powered = Betrieben mit Chancery
opens-in-new-tab = (öffnet einen neuen Tab)
copy = Kopieren
copied = Kopiert
continue = Weiter
try-again = Erneut versuchen
start-again = Neu beginnen
start-again-at = Bei { $client } neu beginnen
start-again-yourself = Kehren Sie zu der App zurück, aus der Sie kamen, und melden Sie sich dort noch einmal an.
start-again-yourself-at = Kehren Sie zu { $client } zurück und melden Sie sich dort noch einmal an.
back-to-client = Zurück zu { $client }
switch-account = Konto wechseln
use-another-account = Anderes Konto verwenden
stay-signed-in = Angemeldet bleiben

tone-info = Hinweis:
tone-ok = Erledigt:
tone-warn = Achtung:
tone-danger = Problem:

## Zeit

ago-now = gerade eben
ago-minutes = { $count ->
    [one] vor { $count } Minute
   *[other] vor { $count } Minuten
}
ago-hours = { $count ->
    [one] vor { $count } Stunde
   *[other] vor { $count } Stunden
}
ago-days = { $count ->
    [one] vor { $count } Tag
   *[other] vor { $count } Tagen
}
lasting-seconds = { $count ->
    [one] { $count } Sekunde
   *[other] { $count } Sekunden
}
lasting-minutes = { $count ->
    [one] { $count } Minute
   *[other] { $count } Minuten
}
lasting-hours = { $count ->
    [one] { $count } Stunde
   *[other] { $count } Stunden
}
lasting-days = { $count ->
    [one] { $count } Tag
   *[other] { $count } Tage
}

## Formulare

errors-title = { $count ->
    [one] Bitte berichtigen Sie eine Angabe
   *[other] Bitte berichtigen Sie { $count } Angaben
}
username = Benutzername
username-or-email = Benutzername oder E-Mail-Adresse
email = E-Mail-Adresse
password = Passwort
new-password = Neues Passwort
password-show = Passwort anzeigen
password-rule = { $count ->
    [one] Mindestens { $count } Zeichen. Erlaubt ist alles, was sich tippen lässt; mehrere Wörter ohne Zusammenhang sind ein gutes Passwort.
   *[other] Mindestens { $count } Zeichen. Erlaubt ist alles, was sich tippen lässt; mehrere Wörter ohne Zusammenhang sind ein gutes Passwort.
}
creating = Wird angelegt …

field-username-missing = Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein.
field-password-missing = Geben Sie Ihr Passwort ein.
field-sign-in-wrong = Benutzername oder Passwort stimmt nicht. Prüfen Sie beides und versuchen Sie es noch einmal.
field-username-invalid = Verwenden Sie nur Buchstaben, Ziffern, Punkte, Binde- und Unterstriche.
field-new-username-missing = Wählen Sie einen Benutzernamen.
field-username-taken = Dieser Benutzername ist vergeben. Wählen Sie einen anderen.
field-name-invalid = Verwenden Sie höchstens 100 Zeichen, und nur solche, die man sieht.
field-email-missing = Geben Sie eine E-Mail-Adresse ein.
field-email-invalid = Geben Sie eine E-Mail-Adresse wie name@example.com ein.
field-email-taken = Diese E-Mail-Adresse ist vergeben. Wählen Sie eine andere.
field-new-password-missing = Wählen Sie ein Passwort.
field-new-password-short = { $count ->
    [one] Verwenden Sie mindestens { $count } Zeichen.
   *[other] Verwenden Sie mindestens { $count } Zeichen.
}
field-new-password-long = { $count ->
    [one] Verwenden Sie höchstens { $count } Zeichen.
   *[other] Verwenden Sie höchstens { $count } Zeichen.
}
field-new-password-common = Dieses Passwort steht auf Listen, die bei Angriffen zuerst durchprobiert werden. Wählen Sie ein anderes.

## Anmelden

sign-in = Anmelden
signing-in = Anmeldung läuft …
sign-in-to = Bei { $client } anmelden
sign-in-forgot = Passwort vergessen?
sign-in-keep = Auf diesem Gerät angemeldet bleiben
sign-in-keep-hint = Nicht auf einem Gerät, das auch andere benutzen.
sign-in-no-account = Neu hier?
sign-in-register = Konto erstellen
not-you = Sind Sie das nicht?
client-links = So geht { $client } mit Ihren Daten um:
client-privacy = Datenschutzerklärung
client-terms = Nutzungsbedingungen

notice-reauthenticate = { $client } bittet Sie, sich noch einmal anzumelden, damit feststeht, dass Sie es sind.
notice-reauthenticate-here = Bitte melden Sie sich noch einmal an, damit feststeht, dass Sie es sind.
notice-session-expired = Sie wurden nach einiger Zeit abgemeldet. Melden Sie sich an, um fortzufahren.
notice-slow-down = Das waren zu viele Versuche. Bitte warten Sie { $wait } und versuchen Sie es dann noch einmal.
notice-registration-closed = Neue Konten können hier nicht mehr erstellt werden. Melden Sie sich an, wenn Sie eines haben.
notice-signed-out-elsewhere = Diese Sitzung wurde beendet.
notice-signed-out-others = Alle anderen Sitzungen wurden beendet.

## Konto erstellen

new-account-title = Ihr Konto erstellen
new-account-username-hint = Damit melden Sie sich an; später lässt er sich nicht ändern. Buchstaben, Ziffern, Punkte, Binde- und Unterstriche.
new-account-name = Name (freiwillig)
new-account-name-hint = So, wie Apps und andere Personen ihn sehen sollen.
new-account-create = Konto erstellen
new-account-have-one = Haben Sie schon ein Konto?

## Konto wählen

chooser-title = Konto wählen
chooser-for-client = weiter zu { $client }
chooser-remove = { $name } aus dieser Liste entfernen
chooser-remove-signed-in = { $name } abmelden und aus dieser Liste entfernen
account-signed-in = Angemeldet
account-signed-out = Abgemeldet

## Zustimmung

consent-title = { $client } bittet um Zugriff
consent-title-also = { $client } bittet um weiteren Zugriff
consent-intro = Wenn Sie zustimmen, kann { $client }:
consent-intro-resources = Sie haben { $client } schon früher Zugriff gegeben. Wenn Sie zustimmen, gilt dieser Zugriff auch für das hier Genannte.
consent-also = Sie haben { $client } schon früher Zugriff gegeben. Nun kommt hinzu, was als neu gekennzeichnet ist.
consent-again = Sie haben { $client } dies schon früher erlaubt. Wir fragen noch einmal, um sicher zu sein, dass Sie es weiterhin wollen.
consent-unverified = { $client } wurde hier von niemandem überprüft. Stimmen Sie nur zu, wenn Sie die App kennen und ihr vertrauen.
consent-group-profile = Ihr Profil
consent-group-behalf = In Ihrem Namen
consent-group-away = Während Sie nicht da sind
consent-new = Neu
consent-optional = Freiwillig
consent-resources = { $count ->
    [one] Zur Verwendung mit
   *[other] Zur Verwendung mit
}
consent-host = Führt Sie danach zu
consent-choice = Setzen Sie ein Häkchen bei dem, was Sie geben möchten. Was ohne Häkchen bleibt, wird nicht gegeben.
consent-remembered = Was Sie erlauben, gilt, bis es zurückgenommen wird. Die Administration kann das jederzeit tun.
consent-each-time = Sie werden jedes Mal gefragt, weil sich andere Programme für diese App ausgeben könnten. Die Administration kann den Zugriff jederzeit zurücknehmen.
allow = Zulassen
allowing = Wird zugelassen …
deny = Ablehnen
denying = Wird abgelehnt …

## Berechtigungen

scope-openid = Wissen, dass Sie es sind
scope-openid-sentence = Ihr Konto beim Anmelden wiedererkennen.
scope-profile = Ihr Profil sehen
scope-profile-sentence = Name, Bild, Sprache und ähnliche Angaben.
scope-email = Ihre E-Mail-Adresse sehen
scope-email-sentence = Ihre E-Mail-Adresse, und ob sie bestätigt ist.
scope-address = Ihre Postanschrift sehen
scope-address-sentence = Die Postanschrift aus Ihrem Konto.
scope-phone = Ihre Telefonnummer sehen
scope-phone-sentence = Ihre Telefonnummer, und ob sie bestätigt ist.
scope-offline_access = Den Zugriff behalten, während Sie nicht da sind
scope-offline_access-sentence = Nutzen, was Sie hier zulassen, auch wenn Sie nicht angemeldet sind, bis Sie es widerrufen.
scope-other = „{ $scope }“ nutzen
scope-other-sentence = Eine Berechtigung, die diese Organisation festgelegt hat.

## Abmelden

sign-out = Abmelden
signing-out = Abmeldung läuft …
sign-out-title = Von { $tenant } abmelden?
sign-out-effect = Beim nächsten Mal müssen Sie sich wieder anmelden.
sign-out-accounts = { $count ->
    [one] Sie sind hier mit { $count } Konto angemeldet. Es wird abgemeldet.
   *[other] Sie sind hier mit { $count } Konten angemeldet. Alle werden abgemeldet.
}
sign-out-effect-apps = { $count ->
    [one] Diese App erfährt, dass Sie sich abgemeldet haben:
   *[other] Diese Apps erfahren, dass Sie sich abgemeldet haben:
}
signed-out-title = Sie sind abgemeldet
signed-out-text = Sie können dieses Fenster jetzt schließen.

## Weiter

form-post-title = Zurück zu { $client }
form-post-text = Sie werden zurückgeleitet. Wenn nichts geschieht, drücken Sie die Schaltfläche.
resume-finished = Schon angemeldet
resume-finished-text = Diese Anmeldung wurde in einem anderen Tab abgeschlossen. Sie können diesen schließen.
resume-expired = Diese Anmeldung hat zu lange gedauert
resume-expired-text = Zu Ihrer Sicherheit endet eine unvollständige Anmeldung nach einiger Zeit. Nichts ist verloren, beginnen Sie einfach neu.

## Sitzungen

sessions-title = Wo Sie angemeldet sind
sessions-lead = Melden Sie alles ab, was Sie nicht kennen, und sagen Sie der Administration Bescheid.
sessions-current = Dieses Gerät
sessions-kept = Bleibt angemeldet
sessions-seen = Zuletzt benutzt
sessions-started = Angemeldet
sessions-place = Von
sessions-apps = Apps
sessions-unknown-device = Unbekanntes Gerät
sessions-device = { $browser } unter { $system }
sessions-end-named = { $device } abmelden
sessions-end-others = Alle anderen abmelden
sessions-end-others-effect = Überall außer auf diesem Gerät ist dann eine neue Anmeldung nötig.

## Erstes Administratorkonto

first-admin-title = Erstes Administratorkonto anlegen
first-admin-lead = Dieses Konto darf alles ändern. Der Link, der Sie hierher geführt hat, gilt einmal.
first-admin-username-hint = Damit melden Sie sich an. Buchstaben, Ziffern, Punkte, Binde- und Unterstriche.
first-admin-email-hint = Für Nachrichten zur Sicherheit. Niemand sonst sieht sie.
first-admin-create = Konto anlegen
first-admin-done = Das Administratorkonto ist bereit
first-admin-done-text = Das Konto { $name } ist angelegt und darf alles ändern.

## Fehler

error-trace = Kennung
error-time = Zeit
error-code = Fehlercode
error-for-developers = Einzelheiten für die Entwicklung
error-docs = Mehr über diesen Fehler
error-parameter = Parameter
error-description = Beschreibung
error-request = Anfrage

error-access-denied = Der Zugriff wurde nicht zugelassen
error-access-denied-what = Der erbetene Zugriff wurde abgelehnt.
error-access-denied-next = War das ein Versehen, kehren Sie zur App zurück und beginnen Sie neu.
error-account-unavailable = Dieses Konto kann nicht benutzt werden
error-account-unavailable-what = Das Konto ist gesperrt oder noch nicht freigegeben.
error-account-unavailable-next = Wenden Sie sich an die Menschen, die diesen Dienst betreiben.
error-bad-redirect-uri = Wir haben die Weiterleitung angehalten
error-bad-redirect-uri-what = Die App wollte Sie an eine Adresse schicken, die sie nicht angemeldet hat. Zu Ihrem Schutz sind wir dem nicht gefolgt.
error-bad-redirect-uri-next = Kehren Sie zur App zurück und versuchen Sie es noch einmal. Geschieht es wieder, sagen Sie es den Menschen, die die App betreiben.
error-clock-skew = Die Uhren stimmen nicht überein
error-clock-skew-what = Die Anfrage trägt eine Zeit, die zu weit von unserer abweicht.
error-clock-skew-next = Prüfen Sie Datum und Uhrzeit Ihres Geräts und versuchen Sie es dann noch einmal.
error-cookies-needed = Cookies sind ausgeschaltet
error-cookies-needed-what = Zum Anmelden braucht es ein Cookie, und Ihr Browser hat unseres nicht zurückgeschickt.
error-cookies-needed-next = Erlauben Sie Cookies für diese Website und versuchen Sie es dann noch einmal.
error-expired = Diese Seite ist abgelaufen
error-expired-what = Seit Sie begonnen haben, ist zu viel Zeit vergangen.
error-expired-next = Kehren Sie zur App zurück und beginnen Sie neu.
error-forbidden = Sie dürfen diese Seite nicht öffnen
error-forbidden-what = Ihrem Konto fehlen die Rechte, die diese Seite verlangt.
error-forbidden-next = Melden Sie sich mit einem anderen Konto an oder bitten Sie die Administration um Zugriff.
error-form-expired = Dieses Formular ist veraltet
error-form-expired-what = Wir konnten nicht sicher sein, dass das Formular von Ihnen kam. Deshalb wurde nichts geändert.
error-form-expired-next = Öffnen Sie die Seite neu und senden Sie das Formular noch einmal.
error-invalid-request = Mit der Anfrage der App können wir nichts anfangen
error-invalid-request-what = In der Anfrage fehlt etwas, oder etwas ist falsch. An Ihnen liegt es nicht.
error-invalid-request-next = Kehren Sie zur App zurück und versuchen Sie es noch einmal. Geschieht es wieder, geben Sie die Kennung unten an die Menschen weiter, die die App betreiben.
error-link-used = Dieser Link gilt nicht mehr
error-link-used-what = Er wurde schon benutzt oder ist zu alt.
error-link-used-next = Fordern Sie einen neuen Link an.
error-login-required = Sie müssen sich anmelden
error-login-required-what = In diesem Browser ist niemand angemeldet, oder Sie wurden nach einiger Zeit abgemeldet.
error-login-required-next = Öffnen Sie eine Ihrer Apps und melden Sie sich dort an. Kehren Sie dann zu dieser Seite zurück.
error-method-not-allowed = So lässt sich diese Seite nicht benutzen
error-method-not-allowed-what = Die Adresse gibt es, aber nicht für diese Art von Anfrage.
error-method-not-allowed-next = Gehen Sie zurück und benutzen Sie die Links und Schaltflächen der Seite.
error-not-found = Hier ist nichts
error-not-found-what = Die Adresse stimmt nicht, oder die Seite ist umgezogen.
error-not-found-next = Prüfen Sie die Adresse oder gehen Sie dorthin zurück, woher Sie kamen.
error-other-browser = Diese Anmeldung gehört zu einem anderen Browser
error-other-browser-what = Sie wurde in einem anderen Browser oder auf einem anderen Gerät begonnen und lässt sich nur dort beenden.
error-other-browser-next = Machen Sie in dem Browser weiter, in dem Sie begonnen haben, oder beginnen Sie in diesem neu.
error-post-logout-uri = Dorthin können wir Sie nicht zurückschicken
error-post-logout-uri-what = Die App wollte Sie an eine Adresse schicken, die sie nicht angemeldet hat. Zu Ihrem Schutz sind wir dem nicht gefolgt.
error-post-logout-uri-next = Sie können dieses Fenster schließen oder die App selbst wieder öffnen.
error-server-error = Bei uns ist etwas schiefgegangen
error-server-error-what = Wir konnten das nicht abschließen. An Ihnen liegt es nicht.
error-server-error-next = Versuchen Sie es gleich noch einmal. Geschieht es wieder, wenden Sie sich mit der Kennung unten an die Hilfe.
error-tenant-suspended = Diese Organisation ist nicht aktiv
error-tenant-suspended-what = Das Anmelden ist hier zurzeit ausgeschaltet.
error-tenant-suspended-next = Wenden Sie sich an die Menschen, die diesen Dienst betreiben.
error-too-large = Das war zu viel auf einmal
error-too-large-what = Die Anfrage ist größer, als wir annehmen.
error-too-large-next = Gehen Sie zurück und versuchen Sie es mit weniger.
error-too-many-requests = Zu viele Anfragen
error-too-many-requests-what = Von hier kamen in kurzer Zeit mehr Anfragen, als wir zulassen können.
error-too-many-requests-next = Warten Sie eine Minute und versuchen Sie es dann noch einmal.
error-unauthorized-client = Das darf diese App nicht
error-unauthorized-client-what = Der App ist es nicht gestattet, auf diesem Weg um Zugriff zu bitten.
error-unauthorized-client-next = Sagen Sie es den Menschen, die die App betreiben, und nennen Sie ihnen die Kennung unten.
error-unavailable = Wir sind gleich wieder da
error-unavailable-what = Am Dienst wird gearbeitet, oder er hat zu viel zu tun.
error-unavailable-next = Versuchen Sie es in ein paar Minuten noch einmal. Was Sie schon gespeichert haben, ist sicher.
error-unknown-client = Wir kennen diese App nicht
error-unknown-client-what = Die App, die Sie geschickt hat, ist hier nicht oder nicht mehr angemeldet.
error-unknown-client-next = Prüfen Sie, ob Sie vom richtigen Ort kamen, oder sagen Sie es den Menschen, die die App betreiben.
error-unknown-tenant = Unter dieser Adresse wohnt niemand
error-unknown-tenant-what = Eine Organisation dieses Namens gibt es hier nicht.
error-unknown-tenant-next = Prüfen Sie die Adresse, die man Ihnen gegeben hat.
error-unmet-requirements = Diese Anmeldung reicht nicht aus
error-unmet-requirements-what = Die App verlangt eine strengere Prüfung, als Ihr Konto sie zurzeit bietet.
error-unmet-requirements-next = Kehren Sie zur App zurück oder fragen Sie die Administration, wie Sie eine weitere Anmeldeart einrichten.
error-unsupported = Was die App verlangt, können wir nicht
error-unsupported-what = Die App hat eine Möglichkeit benutzt, die hier nicht angeboten wird.
error-unsupported-next = Sagen Sie es den Menschen, die die App betreiben, und nennen Sie ihnen die Kennung unten.

## Was Fehlercodes bedeuten, für Entwickler: `code-{code}`, und was zu tun ist: `-fix`

codes-title = Fehlercodes
codes-lead = Was dieser Server antwortet, wenn er eine Anfrage ablehnt, in einfachen Worten.
codes-column-code = Code
codes-column-means = Was er bedeutet
codes-fix = Was zu tun ist
codes-defined = Festgelegt in
codes-ours = Von Chancery selbst
codes-all = Alle Fehlercodes

code-invalid_request = Der Anfrage fehlt ein Parameter, sie enthält einen doppelt oder einen mit einem unbrauchbaren Wert.
code-invalid_request-fix = Die Beschreibung oder der gezeigte Parameter nennt, was falsch ist; fehlt beides, steht es im Protokoll unter der Referenz. Vergleichen Sie die Anfrage mit der Dokumentation des Endpunkts; die meisten Client-Bibliotheken machen das von sich aus richtig.
code-invalid_client = Der Client hat nicht bewiesen, wer er ist: Er ist unbekannt oder abgeschaltet, sein Geheimnis oder seine Assertion ist falsch, oder er hat ein anderes Verfahren benutzt als das registrierte.
code-invalid_client-fix = Prüfen Sie client_id, Geheimnis oder Schlüssel und token_endpoint_auth_method. Bei einer Assertion auch aud, exp und jti sowie die Uhr des Rechners, der sie erzeugt hat.
code-invalid_grant = Der Autorisierungscode oder das Refresh-Token ist unbekannt, abgelaufen, verbraucht, widerrufen oder gehört einem anderen Client. Oder redirect_uri oder code_verifier weichen von der Autorisierungsanfrage ab.
code-invalid_grant-fix = Lösen Sie jeden Code einmal und sofort ein und bewahren Sie stets das neueste Refresh-Token auf. Ist keines mehr gültig, muss sich die Person neu anmelden.
code-unauthorized_client = Der Client ist bekannt, aber für diesen Grant nicht registriert.
code-unauthorized_client-fix = Nehmen Sie den Grant in grant_types des Clients auf oder benutzen Sie einen, der dort steht.
code-unsupported_grant_type = Diesen grant_type bietet der Server nicht an.
code-unsupported_grant_type-fix = Benutzen Sie einen, der in den Metadaten unter grant_types_supported steht.
code-unsupported_response_type = Der response_type ist nicht code, und einen anderen bietet dieser Server nicht an.
code-unsupported_response_type-fix = Benutzen Sie den Autorisierungscode mit PKCE. Er ersetzt die impliziten und hybriden Abläufe.
code-unsupported_token_type = Ein Token dieser Art kann dieser Server nicht widerrufen.
code-unsupported_token_type-fix = Widerrufen Sie stattdessen das Refresh-Token, oder warten Sie, bis das Token abläuft.
code-invalid_scope = Keinen dieser Scopes darf der Client anfragen, oder es wurde mehr angefragt als erteilt.
code-invalid_scope-fix = Vergleichen Sie den Scope der Anfrage mit dem des Clients. Beim Einschränken darf nur ein Teil des Erteilten angefragt werden.
code-invalid_target = Eine Ressource ist hier unbekannt, falsch geschrieben oder wurde nicht erteilt.
code-invalid_target-fix = Nennen Sie die API genau so, wie sie registriert ist, Zeichen für Zeichen.
code-access_denied = Die Person hat abgelehnt, oder die Organisation erlaubt es nicht.
code-access_denied-fix = Nehmen Sie es als Antwort, nicht als Störung: Sagen Sie der Person, was nun nicht geht, und bieten Sie einen neuen Versuch an.
code-server_error = Auf dem Server ist etwas fehlgeschlagen.
code-server_error-fix = Versuchen Sie es später noch einmal. Mit der Referenz findet der Betrieb des Servers die ganze Geschichte im Protokoll.
code-temporarily_unavailable = Der Server hat zu viel zu tun, erreicht seine Datenbank nicht oder bremst diesen Client nach vielen Fehlversuchen.
code-temporarily_unavailable-fix = Warten Sie so lange, wie Retry-After sagt, und versuchen Sie es dann noch einmal.
code-invalid_token = Das Access-Token fehlt, ist fehlerhaft, abgelaufen, widerrufen oder für eine andere API bestimmt.
code-invalid_token-fix = Holen Sie mit dem Refresh-Token ein neues, oder lassen Sie die Person sich neu anmelden.
code-insufficient_scope = Das Access-Token ist gültig, aber ihm fehlt ein Scope, der hier gebraucht wird.
code-insufficient_scope-fix = Fragen Sie diesen Scope an, wenn sich die Person anmeldet.
code-login_required = Niemand ist angemeldet, oder nicht kürzlich genug, oder jemand anderes, als die Anfrage nennt (claims mit sub). Entweder verbietet die Anfrage Seiten (prompt=none), oder die Seite ist nur für Angemeldete.
code-login_required-fix = Senden Sie die Anfrage noch einmal ohne prompt=none und nennen Sie eine Person nur mit einem sub, das dieser Server vergeben hat. Auf einer Seite: Melden Sie sich zuerst über eine App an.
code-consent_required = Die Anfrage verbietet Seiten (prompt=none), aber die Person muss erst noch etwas erlauben.
code-consent_required-fix = Senden Sie die Anfrage noch einmal ohne prompt=none, damit die Person gefragt werden kann.
code-account_selection_required = Die Anfrage verbietet Seiten (prompt=none), aber in diesem Browser sind mehrere Personen angemeldet.
code-account_selection_required-fix = Senden Sie die Anfrage noch einmal ohne prompt=none, oder sagen Sie mit id_token_hint, wer gemeint ist.
code-interaction_required = Die Anfrage verbietet Seiten (prompt=none), aber eine müsste gezeigt werden.
code-interaction_required-fix = Senden Sie die Anfrage noch einmal ohne prompt=none.
code-unmet_authentication_requirements = Die Anfrage verlangt eine stärkere Anmeldung (acr), als hier jemand leisten kann.
code-unmet_authentication_requirements-fix = Verlangen Sie eine, die in den Metadaten unter acr_values_supported steht, oder wünschen Sie sie nur.
code-request_not_supported = Der Parameter request enthält ein Request-Objekt, das dieser Server nicht liest.
code-request_not_supported-fix = Senden Sie die Parameter einzeln.
code-request_uri_not_supported = Der Parameter request_uri verweist auf ein Request-Objekt, das dieser Server nicht liest.
code-request_uri_not_supported-fix = Senden Sie die Parameter einzeln.
code-registration_not_supported = Den Parameter registration gibt es hier nicht.
code-registration_not_supported-fix = Registrieren Sie den Client vorher, am registration_endpoint oder bei der Administration.
code-invalid_redirect_uri = Eine Redirect-URI der Registrierung ist nicht erlaubt.
code-invalid_redirect_uri-fix = Geben Sie ganze https-Adressen ohne Fragment an. Loopback-Adressen und eigene Schemas sind nativen Clients vorbehalten.
code-invalid_client_metadata = Ein Wert der Registrierung ist nicht erlaubt, oder zwei passen nicht zusammen.
code-invalid_client_metadata-fix = Die Beschreibung nennt die Angabe und was richtig wäre.
code-invalid_software_statement = Das Software-Statement der Registrierung ist nicht brauchbar.
code-invalid_software_statement-fix = Lassen Sie es weg und machen Sie die Angaben einzeln.
code-forbidden = Das Formular oder die Seite gehört zu einem anderen Browser oder kommt von einer anderen Website; deshalb wurde nichts geändert.
code-forbidden-fix = Machen Sie in dem Browser weiter, in dem es begann, mit erlaubten Cookies, und öffnen Sie die Seite neu.
code-not_found = Unter dieser Adresse gibt es nichts.
code-not_found-fix = Entnehmen Sie Adressen den Metadaten des Ausstellers, statt sie zusammenzusetzen.
code-gone = Der Link oder die Seite wurde schon benutzt oder ist zu alt.
code-gone-fix = Beginnen Sie neu, oder bitten Sie um einen neuen Link.

## Seiten für die Entwicklung

start-title = Chancery läuft
start-lead = Dies ist ein Entwicklungsserver: Er ist nur von diesem Rechner aus erreichbar und behält E-Mails, statt sie zu senden.
start-issuer = Ihr Aussteller (Issuer)
start-issuer-hint = Geben Sie Ihrer App diese Adresse. Alles Weitere ergibt sich daraus.
start-metadata = Metadaten ansehen
start-next = Wie es weitergeht
start-playground = Spielwiese
start-playground-text = Einen Ablauf ausführen und jede Anfrage und Antwort lesen.
start-account = Ihr Konto
start-account-text = Die Sitzungen der angemeldeten Person.
start-mail = Abgefangene E-Mails
start-mail-text = Alles, was verschickt worden wäre.
start-errors = Fehlerseiten
start-errors-text = Jeder Fehler, dem ein Mensch begegnen kann.
start-styleguide = Bausteine
start-styleguide-text = Jeder Baustein in jedem Zustand.
start-clients = Beispiel-Clients
start-client-id = Client-ID
start-client-kind = Art
start-client-secret = Geheimnis
start-client-uri = Redirect-URI
start-no-secret = keines
start-secret-shown = einmal gezeigt, als es entstand
start-kind-web = Web-App
start-kind-spa = Browser-App
start-kind-native = Native App
start-kind-machine = Maschine
start-kind-device = Gerät
start-people = Beispielpersonen
start-people-hint = Passwörter der Beispielpersonen werden einmal ausgegeben, wenn sie entstehen. Dieser Befehl setzt ein neues:

mail-title = Abgefangene E-Mails
mail-lead = In der Entwicklung wird nichts verschickt. Was verschickt worden wäre, steht hier, das Neueste zuerst.
mail-empty = Noch keine E-Mails
mail-empty-text = Noch wurde keine E-Mail verschickt. Was der Server in der Entwicklung verschickt, wird hier aufgefangen und gezeigt.
mail-again = Erneut nachsehen
mail-links = Links in dieser E-Mail

dev-errors-title = Fehlerseiten
dev-errors-lead = Jeder Fehler, der auf einer unserer Seiten endet, so wie Menschen ihn sehen.
dev-errors-status = Status
dev-errors-kind = Art
dev-errors-title-column = Überschrift

playground-title = Spielwiese
playground-lead = Wählen Sie einen Client und einen Ablauf, führen Sie ihn aus und sehen Sie, was über die Leitung geht.
playground-client = Client
playground-flow = Ablauf
playground-flow-code = Autorisierungscode
playground-flow-client-credentials = Client-Zugangsdaten
playground-flow-refresh = Refresh-Token
playground-flow-device = Gerät
playground-with = Zusätze
playground-with-pkce = PKCE
playground-with-par = Vorab übergebene Anfrage (PAR)
playground-with-dpop = Schlüsselgebundene Tokens (DPoP)
playground-with-resource = Ressource
playground-with-claims = Ausgewählte Claims
playground-with-offline-access = Zugriff in Abwesenheit (offline_access)
playground-run = Ablauf ausführen
playground-running = Läuft …
playground-sequence = Was geschah
playground-sequence-hint = Öffnen Sie eine Zeile, um die Nachricht so zu lesen, wie sie gesendet wurde. Geheimnisse sind verdeckt.
playground-done = Der Ablauf kam bis zum Ende.
playground-refused = Der Ablauf endete vorzeitig. { $reason }
playground-empty = Noch ist nichts gelaufen
playground-empty-text = Drücken Sie „Ablauf ausführen“, um den ersten Austausch zu sehen.
playground-from-to = Von { $from } an { $to }:
playground-curl = Als Befehl
playground-opaque = Dieses Token sagt für sich allein nichts. Was es bedeutet, weiß der Introspection-Endpunkt.
playground-claim = Name
playground-value = Wert
playground-meaning = Bedeutung
playground-header = Kopf
playground-claims = Claims
playground-raw = Wie es kam
lane-app = App
lane-browser = Browser
lane-server = Chancery

step-authorize = Die App schickt den Browser zum Anmelden.
step-pushed = Die App übergibt die Anfrage unmittelbar, damit sie unterwegs niemand ändern kann.
step-interaction = Die Person meldet sich an und entscheidet.
step-callback = Der Browser bringt der App den Code zurück.
step-token = Die App tauscht den Code gegen Tokens.
step-refresh = Die App tauscht das Refresh-Token gegen neue Tokens.
step-client-credentials = Die App bittet in eigenem Namen um ein Token.
step-userinfo = Die App fragt, wer sich angemeldet hat.
step-device = Das Gerät bittet um einen Code, den es anzeigen kann.
step-device-poll = Das Gerät fragt, ob die Person entschieden hat.
step-answer = Die Antwort.

claim-acr = Wie stark die Anmeldung war, in einem Wort.
claim-alg = Mit welchem Verfahren das Token signiert ist.
claim-amr = Womit die Person nachgewiesen hat, wer sie ist.
claim-at_hash = Verbindet das ID-Token mit dem Access-Token, das mit ihm kam.
claim-aud = Für wen das Token bestimmt ist. Alle anderen müssen es ablehnen.
claim-auth_time = Wann sich die Person zuletzt angemeldet hat.
claim-azp = Welcher Client das Token verlangt hat.
claim-c_hash = Verbindet das ID-Token mit dem Code, der mit ihm kam.
claim-client_id = Für welchen Client das Token ausgestellt wurde.
claim-cnf = Der Schlüssel, dessen Besitz nachweisen muss, wer das Token vorlegt.
claim-email = Die E-Mail-Adresse.
claim-email_verified = Ob die E-Mail-Adresse bestätigt ist.
claim-exp = Ab wann das Token nicht mehr gilt.
claim-family_name = Der Familienname.
claim-given_name = Der Vorname.
claim-grant = Die Erlaubnis, aus der das Token stammt. Endet sie, endet auch das Token.
claim-iat = Wann das Token entstanden ist.
claim-iss = Wer das Token ausgestellt hat. Führt zu den Schlüsseln, mit denen es geprüft wird.
claim-jti = Ein Name für genau dieses Token, um es von anderen zu unterscheiden.
claim-kid = Welcher Schlüssel des Ausstellers das Token signiert hat.
claim-locale = Die bevorzugte Sprache der Person.
claim-name = Der Name, wie er angezeigt wird.
claim-nbf = Vor dieser Zeit gilt das Token noch nicht.
claim-nonce = Was die App mitgeschickt hat, um ihre eigene Anfrage wiederzuerkennen.
claim-preferred_username = Der Name, mit dem sich die Person anmeldet. Er kann sich ändern.
claim-scope = Was das Token erlaubt.
claim-sid = Die Sitzung, zu der es gehört, für das Abmelden.
claim-sub = Die Person, durch eine Kennung, die sich nie ändert.
claim-typ = Um welche Art von Token es sich handelt.
claim-updated_at = Wann sich das Profil zuletzt geändert hat.
claim-zoneinfo = Die Zeitzone der Person.
claim-other = Ein Claim, für den diese Seite keine Worte hat.

## Bausteine

guide-title = Bausteine
guide-lead = Jeder Baustein in jedem Zustand. Wechseln Sie beim Betrachten Sprache, Farbschema und Fensterbreite.
guide-buttons = Schaltflächen
guide-primary = Wichtigste
guide-secondary = Weitere
guide-quiet = Leise
guide-danger = Gefährlich
guide-busy = Beschäftigt
guide-link = Verweis
guide-fields = Felder
guide-field-empty = Leer
guide-field-hint = Mit Hinweis
guide-field-hint-text = Der Hinweis sagt, was erwartet wird, bevor jemand tippt.
guide-field-filled = Ausgefüllt
guide-field-wrong = Falsch
guide-field-wrong-text = Hier steht, was nicht stimmt und wie es sich beheben lässt.
guide-field-fixed = Nur zu lesen
guide-field-code = Code
guide-field-select = Auswahl
guide-option-a = Erste Möglichkeit
guide-option-b = Zweite Möglichkeit
guide-checks = Auswahlfelder
guide-check-off = Aus
guide-check-on = An
guide-alerts = Hinweise
guide-alert-text = Ein Satz, der sagt, was geschehen ist und was nun zu tun ist.
guide-badges = Marken und Plaketten
guide-badge = Marke
guide-people = Konten und Clients
guide-scopes = Berechtigungen
guide-icons = Symbole
guide-tiles = Kacheln
guide-card = Karten
guide-facts = Angaben
guide-fact-name = Name
guide-fact-value = Wert
guide-tables = Tabellen
guide-empty = Leerer Zustand
guide-empty-title = Noch nichts da
guide-empty-text = Ein Satz, der sagt, wie sich das ändern lässt.
guide-fold = Eingeklappter Text
guide-type = Schrift
guide-heading-1 = Überschrift der Seite
guide-heading-2 = Überschrift des Abschnitts
guide-heading-3 = Kleine Überschrift
guide-body = Fließtext bleibt bei fünfundsechzig Zeichen je Zeile, weil das Auge längeren Zeilen schlecht folgt. Auf schmalen Bildschirmen bricht er um, und er wächst, wenn jemand größere Buchstaben wünscht.
guide-colours = Farben
