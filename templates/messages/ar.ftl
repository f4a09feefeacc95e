### نصوص يقرؤها الناس. الأسماء واحدة في كل اللغات، والاختبارات تقارن بينها.

## الإطار

skip-to-content = انتقل إلى المحتوى
language = اللغة
footer-privacy = الخصوصية
footer-terms = الشروط
footer-support = المساعدة
footer-powered = يعمل بواسطة Chancery
opens-in-new-tab = (يُفتح في علامة تبويب جديدة)
copy = نسخ
copied = تم النسخ
continue = متابعة
try-again = إعادة المحاولة
start-again = البدء من جديد
start-again-at = البدء من جديد في { $client }
start-again-yourself = عُد إلى التطبيق الذي جئت منه وسجّل الدخول هناك مرة أخرى.
start-again-yourself-at = عُد إلى { $client } وسجّل الدخول هناك مرة أخرى.
back-to-client = العودة إلى { $client }
switch-account = تبديل الحساب
use-another-account = استخدام حساب آخر
stay-signed-in = البقاء مسجَّل الدخول

tone-info = ملاحظة:
tone-ok = تم:
tone-warn = تنبيه:
tone-danger = مشكلة:

## الوقت

ago-now = الآن
ago-minutes = { $count ->
    [zero] منذ أقل من دقيقة
    [one] منذ دقيقة
    [two] منذ دقيقتين
    [few] منذ { $count } دقائق
    [many] منذ { $count } دقيقة
   *[other] منذ { $count } دقيقة
}
ago-hours = { $count ->
    [zero] منذ أقل من ساعة
    [one] منذ ساعة
    [two] منذ ساعتين
    [few] منذ { $count } ساعات
    [many] منذ { $count } ساعة
   *[other] منذ { $count } ساعة
}
ago-days = { $count ->
    [zero] اليوم
    [one] منذ يوم
    [two] منذ يومين
    [few] منذ { $count } أيام
    [many] منذ { $count } يومًا
   *[other] منذ { $count } يوم
}
lasting-seconds = { $count ->
    [zero] أقل من ثانية
    [one] ثانية واحدة
    [two] ثانيتين
    [few] { $count } ثوانٍ
    [many] { $count } ثانية
   *[other] { $count } ثانية
}
lasting-minutes = { $count ->
    [zero] أقل من دقيقة
    [one] دقيقة واحدة
    [two] دقيقتين
    [few] { $count } دقائق
    [many] { $count } دقيقة
   *[other] { $count } دقيقة
}
lasting-hours = { $count ->
    [zero] أقل من ساعة
    [one] ساعة واحدة
    [two] ساعتين
    [few] { $count } ساعات
    [many] { $count } ساعة
   *[other] { $count } ساعة
}
lasting-days = { $count ->
    [zero] أقل من يوم
    [one] يوم واحد
    [two] يومين
    [few] { $count } أيام
    [many] { $count } يومًا
   *[other] { $count } يوم
}

## النماذج

errors-title = { $count ->
    [zero] يرجى مراجعة ما أدخلته
    [one] يرجى تصحيح خطأ واحد
    [two] يرجى تصحيح خطأين
    [few] يرجى تصحيح { $count } أخطاء
    [many] يرجى تصحيح { $count } خطأً
   *[other] يرجى تصحيح { $count } خطأ
}
username = اسم المستخدم
username-or-email = اسم المستخدم أو البريد الإلكتروني
email = البريد الإلكتروني
password = كلمة المرور
new-password = كلمة مرور جديدة
password-show = إظهار كلمة المرور
password-rule = { $count ->
    [zero] يُسمح بكل ما يمكن كتابته، وعدة كلمات لا صلة بينها تصنع كلمة مرور جيدة.
    [one] حرف واحد على الأقل. يُسمح بكل ما يمكن كتابته، وعدة كلمات لا صلة بينها تصنع كلمة مرور جيدة.
    [two] حرفان على الأقل. يُسمح بكل ما يمكن كتابته، وعدة كلمات لا صلة بينها تصنع كلمة مرور جيدة.
    [few] { $count } أحرف على الأقل. يُسمح بكل ما يمكن كتابته، وعدة كلمات لا صلة بينها تصنع كلمة مرور جيدة.
    [many] { $count } حرفًا على الأقل. يُسمح بكل ما يمكن كتابته، وعدة كلمات لا صلة بينها تصنع كلمة مرور جيدة.
   *[other] { $count } حرف على الأقل. يُسمح بكل ما يمكن كتابته، وعدة كلمات لا صلة بينها تصنع كلمة مرور جيدة.
}
creating = جارٍ الإنشاء…

field-username-missing = أدخل اسم المستخدم أو البريد الإلكتروني.
field-password-missing = أدخل كلمة المرور.
field-sign-in-wrong = اسم المستخدم أو كلمة المرور غير صحيح. تحقّق منهما وحاول مرة أخرى.
field-username-invalid = استخدم الأحرف والأرقام والنقاط والشَّرطات والشَّرطات السفلية فقط.
field-new-username-missing = اختر اسم مستخدم.
field-username-taken = اسم المستخدم هذا مأخوذ. اختر اسمًا آخر.
field-name-invalid = استخدم ⁨100⁩ حرف على الأكثر، على أن تكون كلها ظاهرة.
field-email-missing = أدخل عنوان بريد إلكتروني.
field-email-invalid = أدخل عنوان بريد إلكتروني مثل ⁨name@example.com⁩.
field-email-taken = عنوان البريد الإلكتروني هذا مأخوذ. اختر عنوانًا آخر.
field-new-password-missing = اختر كلمة مرور.
field-new-password-short = { $count ->
    [zero] اختر كلمة مرور أطول.
    [one] استخدم حرفًا واحدًا على الأقل.
    [two] استخدم حرفين على الأقل.
    [few] استخدم { $count } أحرف على الأقل.
    [many] استخدم { $count } حرفًا على الأقل.
   *[other] استخدم { $count } حرف على الأقل.
}
field-new-password-long = { $count ->
    [zero] اختر كلمة مرور أقصر.
    [one] استخدم حرفًا واحدًا على الأكثر.
    [two] استخدم حرفين على الأكثر.
    [few] استخدم { $count } أحرف على الأكثر.
    [many] استخدم { $count } حرفًا على الأكثر.
   *[other] استخدم { $count } حرف على الأكثر.
}
field-new-password-common = كلمة المرور هذه موجودة في قوائم يجرّبها المهاجمون أولًا. اختر كلمة أخرى.

## تسجيل الدخول

sign-in = تسجيل الدخول
signing-in = جارٍ تسجيل الدخول…
sign-in-to = تسجيل الدخول إلى { $client }
sign-in-forgot = هل نسيت كلمة المرور؟
sign-in-keep = إبقائي مسجَّل الدخول على هذا الجهاز
sign-in-keep-hint = ليس على جهاز يستخدمه آخرون أيضًا.
sign-in-no-account = ليس لديك حساب؟
sign-in-register = إنشاء حساب
not-you = لست أنت؟
client-links = كيف يتعامل { $client } مع بياناتك:
client-privacy = سياسة الخصوصية
client-terms = شروط الاستخدام

notice-reauthenticate = يطلب منك { $client } تسجيل الدخول مرة أخرى للتأكد من أنك أنت.
notice-reauthenticate-here = يرجى تسجيل الدخول مرة أخرى لنتأكد من أنك أنت.
notice-session-expired = تم تسجيل خروجك بعد مرور بعض الوقت. سجّل الدخول للمتابعة.
notice-slow-down = عدد المحاولات كبير جدًا. يرجى المحاولة مرة أخرى بعد { $wait }.
notice-registration-closed = لم يعد من الممكن إنشاء حسابات جديدة هنا. سجّل الدخول إن كان لديك حساب.
notice-signed-out-elsewhere = تم إنهاء تلك الجلسة.
notice-signed-out-others = تم إنهاء كل الجلسات الأخرى.

## إنشاء حساب

new-account-title = إنشاء حسابك
new-account-username-hint = به تسجّل الدخول، ولا يمكن تغييره لاحقًا. أحرف وأرقام ونقاط وشَرطات وشَرطات سفلية.
new-account-name = الاسم (اختياري)
new-account-name-hint = كما ينبغي أن تراه التطبيقات والأشخاص الآخرون.
new-account-create = إنشاء الحساب
new-account-have-one = هل لديك حساب بالفعل؟

## اختيار الحساب

chooser-title = اختر حسابًا
chooser-for-client = للمتابعة إلى { $client }
chooser-remove = إزالة { $name } من هذه القائمة
chooser-remove-signed-in = تسجيل خروج { $name } وإزالته من هذه القائمة
account-signed-in = مسجَّل الدخول
account-signed-out = مسجَّل الخروج

## الموافقة

consent-title = يطلب { $client } الإذن بالوصول
consent-title-also = يطلب { $client } إذنًا إضافيًا بالوصول
consent-intro = إذا سمحت بذلك، يمكن لتطبيق { $client }:
consent-intro-resources = سبق أن سمحت لتطبيق { $client } بالوصول. إذا سمحت الآن، شمل هذا الإذن أيضًا ما هو مذكور هنا.
consent-also = سبق أن سمحت لتطبيق { $client } بالوصول. وهو يطلب الآن أيضًا ما وُضعت عليه علامة «جديد».
consent-again = سبق أن سمحت لتطبيق { $client } بهذا. نسألك مرة أخرى لنتأكد من أنك ما زلت تريده.
consent-unverified = لم يتحقق أحد هنا من { $client }. لا تسمح له إلا إذا كنت تعرفه وتثق به.
consent-group-profile = ملفك الشخصي
consent-group-behalf = بالنيابة عنك
consent-group-away = في غيابك
consent-new = جديد
consent-optional = اختياري
consent-resources = { $count ->
    [zero] للاستخدام مع
    [one] للاستخدام مع
    [two] للاستخدام مع
    [few] للاستخدام مع
    [many] للاستخدام مع
   *[other] للاستخدام مع
}
consent-host = ثم ينقلك إلى
consent-choice = ضع علامة على ما تريد منحه. وما يبقى بلا علامة لا يُمنح.
consent-remembered = يبقى ما تسمح به ساريًا إلى أن يُسحب. ويمكن للمسؤول سحبه في أي وقت.
consent-each-time = ستُسأل في كل مرة، لأن برامج أخرى قد تنتحل صفة هذا التطبيق. ويمكن للمسؤول سحب الإذن في أي وقت.
allow = سماح
allowing = جارٍ السماح…
deny = رفض
denying = جارٍ الرفض…

## الأذونات

scope-openid = معرفة أنك أنت
scope-openid-sentence = التعرّف على حسابك عند تسجيل الدخول.
scope-profile = الاطلاع على ملفك الشخصي
scope-profile-sentence = اسمك وصورتك ولغتك وما شابه ذلك.
scope-email = الاطلاع على بريدك الإلكتروني
scope-email-sentence = عنوان بريدك الإلكتروني، وهل تم تأكيده.
scope-address = الاطلاع على عنوانك البريدي
scope-address-sentence = العنوان البريدي المسجَّل في حسابك.
scope-phone = الاطلاع على رقم هاتفك
scope-phone-sentence = رقم هاتفك، وهل تم تأكيده.
scope-offline_access = الاحتفاظ بهذا الإذن في غيابك
scope-offline_access-sentence = استخدام ما تسمح به هنا حتى عندما لا تكون مسجَّل الدخول، إلى أن تسحب الإذن.
scope-other = استخدام «{ $scope }»
scope-other-sentence = إذن حدّدته هذه المؤسسة.

## تسجيل الخروج

sign-out = تسجيل الخروج
signing-out = جارٍ تسجيل الخروج…
sign-out-title = هل تريد تسجيل الخروج من { $tenant }؟
sign-out-effect = سيكون عليك تسجيل الدخول مجددًا في المرة القادمة.
sign-out-accounts = { $count ->
    [zero] لست مسجَّل الدخول هنا بأي حساب.
    [one] أنت مسجَّل الدخول هنا بحساب واحد، وسيُسجَّل خروجه.
    [two] أنت مسجَّل الدخول هنا بحسابين، وسيُسجَّل خروجهما معًا.
    [few] أنت مسجَّل الدخول هنا بـ { $count } حسابات، وسيُسجَّل خروجها كلها.
    [many] أنت مسجَّل الدخول هنا بـ { $count } حسابًا، وسيُسجَّل خروجها كلها.
   *[other] أنت مسجَّل الدخول هنا بـ { $count } حساب، وسيُسجَّل خروجها كلها.
}
sign-out-effect-apps = { $count ->
    [zero] سيكون عليك تسجيل الدخول مجددًا في المرة القادمة.
    [one] سيُبلَّغ هذا التطبيق بأنك سجّلت الخروج:
    [two] سيُبلَّغ هذان التطبيقان بأنك سجّلت الخروج:
    [few] ستُبلَّغ هذه التطبيقات بأنك سجّلت الخروج:
    [many] ستُبلَّغ هذه التطبيقات بأنك سجّلت الخروج:
   *[other] ستُبلَّغ هذه التطبيقات بأنك سجّلت الخروج:
}
signed-out-title = تم تسجيل خروجك
signed-out-text = يمكنك إغلاق هذه النافذة الآن.

## المتابعة

form-post-title = العودة إلى { $client }
form-post-text = تجري إعادتك إلى التطبيق. إذا لم يحدث شيء، فاضغط على الزر.
resume-finished = سبق تسجيل دخولك
resume-finished-text = اكتمل تسجيل الدخول هذا في علامة تبويب أخرى. يمكنك إغلاق هذه.
resume-expired = استغرق تسجيل الدخول وقتًا طويلًا
resume-expired-text = حفاظًا على أمانك، ينتهي تسجيل الدخول غير المكتمل بعد مدة. لم تفقد شيئًا، ابدأ من جديد فحسب.

## الجلسات

sessions-title = الأجهزة المسجَّل الدخول عليها
sessions-lead = سجّل الخروج من كل ما لا تعرفه، وأخبر المسؤول.
sessions-current = هذا الجهاز
sessions-kept = يبقى مسجَّل الدخول
sessions-seen = آخر استخدام
sessions-started = تسجيل الدخول
sessions-place = من
sessions-apps = التطبيقات
sessions-unknown-device = جهاز غير معروف
sessions-device = { $browser } على { $system }
sessions-end-named = تسجيل الخروج من { $device }
sessions-end-others = تسجيل الخروج من كل الأجهزة الأخرى
sessions-end-others-effect = سيلزم تسجيل الدخول مجددًا في كل مكان ما عدا هذا الجهاز.

## المسؤول الأول

first-admin-title = إنشاء حساب المسؤول الأول
first-admin-lead = يستطيع هذا الحساب تغيير كل شيء. والرابط الذي أوصلك إلى هنا يعمل مرة واحدة.
first-admin-username-hint = به تسجّل الدخول. أحرف وأرقام ونقاط وشَرطات وشَرطات سفلية.
first-admin-email-hint = لإشعارات الأمان. لن يراه أحد غيرك.
first-admin-create = إنشاء الحساب
first-admin-done = أصبحت المسؤول الآن
first-admin-done-text = تم إنشاء الحساب { $name }، وهو يستطيع تغيير كل شيء.

## الأخطاء

error-trace = الرقم المرجعي
error-time = الوقت
error-code = رمز الخطأ
error-for-developers = تفاصيل للمطورين
error-docs = معلومات عن هذا الخطأ
error-parameter = المعامل
error-description = الوصف
error-request = الطلب

error-access-denied = لم يُسمح بالوصول
error-access-denied-what = رُفض الوصول المطلوب.
error-access-denied-next = إذا حدث ذلك بالخطأ، فعُد إلى التطبيق وابدأ من جديد.
error-account-unavailable = لا يمكن استخدام هذا الحساب
error-account-unavailable-what = الحساب مقفل أو لم تتم الموافقة عليه بعد.
error-account-unavailable-next = اطلب المساعدة من القائمين على هذه الخدمة.
error-bad-redirect-uri = توقفنا قبل مغادرة هذا الموقع
error-bad-redirect-uri-what = طلب التطبيق إرسالك إلى عنوان لم يسجّله. ولحمايتك لم نتابع.
error-bad-redirect-uri-next = عُد إلى التطبيق وحاول مرة أخرى. إذا تكرر ذلك، فأخبر القائمين على التطبيق.
error-clock-skew = الساعتان غير متوافقتين
error-clock-skew-what = يحمل الطلب وقتًا بعيدًا جدًا عن وقتنا.
error-clock-skew-next = تحقّق من التاريخ والوقت على جهازك، ثم حاول مرة أخرى.
error-cookies-needed = ملفات تعريف الارتباط متوقفة
error-cookies-needed-what = يحتاج تسجيل الدخول إلى ملف تعريف ارتباط، ولم يُعِد متصفحك الملف الذي أرسلناه.
error-cookies-needed-next = اسمح بملفات تعريف الارتباط لهذا الموقع، ثم حاول مرة أخرى.
error-expired = انتهت صلاحية هذه الصفحة
error-expired-what = مضى وقت طويل منذ أن بدأت.
error-expired-next = عُد إلى التطبيق وابدأ من جديد.
error-forbidden = لا يُسمح لك بفتح هذه الصفحة
error-forbidden-what = ليست لحسابك الصلاحيات التي تتطلبها هذه الصفحة.
error-forbidden-next = سجّل الدخول بحساب آخر، أو اطلب الصلاحية من أحد المسؤولين.
error-form-expired = هذا النموذج قديم
error-form-expired-what = لم نتمكن من التأكد من أن النموذج جاء منك، لذلك لم يتغير شيء.
error-form-expired-next = افتح الصفحة من جديد وأرسل النموذج مرة أخرى.
error-invalid-request = أرسل التطبيق طلبًا لا يمكننا استخدامه
error-invalid-request-what = في الطلب شيء ناقص أو خاطئ، ولست السبب في ذلك.
error-invalid-request-next = عُد إلى التطبيق وحاول مرة أخرى. إذا تكرر ذلك، فأعطِ الرقم المرجعي أدناه للقائمين على التطبيق.
error-link-used = لم يعد هذا الرابط يعمل
error-link-used-what = استُخدم الرابط من قبل، أو أصبح قديمًا.
error-link-used-next = اطلب رابطًا جديدًا.
error-login-required = عليك تسجيل الدخول
error-login-required-what = لا أحد مسجَّل الدخول في هذا المتصفح، أو سُجّل خروجك بعد مرور بعض الوقت.
error-login-required-next = افتح أحد تطبيقاتك وسجّل الدخول هناك، ثم عُد إلى هذه الصفحة.
error-method-not-allowed = لا يمكن استخدام هذه الصفحة بهذه الطريقة
error-method-not-allowed-what = العنوان موجود، لكن ليس لهذا النوع من الطلبات.
error-method-not-allowed-next = ارجع واستخدم الروابط والأزرار الموجودة في الصفحة.
error-not-found = لا يوجد شيء هنا
error-not-found-what = العنوان غير صحيح، أو نُقلت الصفحة.
error-not-found-next = تحقّق من العنوان، أو ارجع من حيث جئت.
error-other-browser = تسجيل الدخول هذا يخص متصفحًا آخر
error-other-browser-what = بدأ في متصفح آخر أو على جهاز آخر، ولا يمكن إكماله إلا هناك.
error-other-browser-next = تابع في المتصفح الذي بدأت فيه، أو ابدأ من جديد في هذا المتصفح.
error-post-logout-uri = لا يمكننا إعادتك إلى هناك
error-post-logout-uri-what = طلب التطبيق إرسالك إلى عنوان لم يسجّله. ولحمايتك لم نتابع.
error-post-logout-uri-next = يمكنك إغلاق هذه النافذة، أو فتح التطبيق بنفسك من جديد.
error-server-error = حدث خطأ ما لدينا
error-server-error-what = لم نتمكن من إكمال هذا، ولست السبب في ذلك.
error-server-error-next = حاول مرة أخرى بعد قليل. إذا تكرر ذلك، فتواصل مع الدعم واذكر الرقم المرجعي أدناه.
error-tenant-suspended = هذه المؤسسة غير نشطة
error-tenant-suspended-what = تسجيل الدخول متوقف هنا في الوقت الحالي.
error-tenant-suspended-next = اسأل القائمين على هذه الخدمة.
error-too-large = هذا كثير دفعة واحدة
error-too-large-what = الطلب أكبر مما نقبله.
error-too-large-next = ارجع وحاول مرة أخرى بقدر أقل.
error-too-many-requests = طلبات كثيرة جدًا
error-too-many-requests-what = وصلت من هنا طلبات أكثر مما يمكننا قبوله في وقت قصير.
error-too-many-requests-next = انتظر دقيقة، ثم حاول مرة أخرى.
error-unauthorized-client = لا يُسمح لهذا التطبيق بذلك
error-unauthorized-client-what = لا يُسمح للتطبيق بطلب الوصول بهذه الطريقة.
error-unauthorized-client-next = أخبر القائمين على التطبيق، واذكر لهم الرقم المرجعي أدناه.
error-unavailable = سنعود بعد قليل
error-unavailable-what = تجري صيانة الخدمة، أو أن لديها ضغطًا كبيرًا.
error-unavailable-next = حاول مرة أخرى بعد بضع دقائق. ما حفظته من قبل في أمان.
error-unknown-client = لا نعرف هذا التطبيق
error-unknown-client-what = التطبيق الذي أرسلك غير مسجَّل هنا، أو لم يعد مسجَّلًا.
error-unknown-client-next = تأكد من أنك جئت من المكان الصحيح، أو أخبر القائمين على التطبيق.
error-unknown-tenant = لا أحد في هذا العنوان
error-unknown-tenant-what = لا توجد هنا مؤسسة بهذا الاسم.
error-unknown-tenant-next = تحقّق من العنوان الذي أُعطي لك.
error-unmet-requirements = تسجيل الدخول هذا ليس قويًا بما يكفي
error-unmet-requirements-what = يطلب التطبيق تحققًا أقوى مما يتيحه حسابك حاليًا.
error-unmet-requirements-next = عُد إلى التطبيق، أو اسأل أحد المسؤولين عن كيفية إضافة طريقة أخرى لتسجيل الدخول.
error-unsupported = لا يمكننا تنفيذ ما طلبه التطبيق
error-unsupported-what = استخدم التطبيق خيارًا غير متاح هنا.
error-unsupported-next = أخبر القائمين على التطبيق، واذكر لهم الرقم المرجعي أدناه.

## معاني رموز الأخطاء للمطوّرين: `code-{code}`، وما يجب فعله: `-fix`

codes-title = رموز الأخطاء
codes-lead = ما يجيب به هذا الخادم حين يرفض طلبًا، بكلمات بسيطة.
codes-column-code = الرمز
codes-column-means = معناه
codes-fix = ما العمل
codes-defined = محدَّد في
codes-ours = خاص ببرنامج ⁨Chancery⁩
codes-all = كل رموز الأخطاء

code-invalid_request = ينقص الطلبَ معاملٌ، أو تكرّر فيه معامل، أو فيه قيمة لا يمكن استعمالها.
code-invalid_request-fix = يذكر الوصف أو المعامل المعروض موضع الخطأ؛ فإن غاب كلاهما فابحث في السجل عن الرقم المرجعي. قارن الطلب بتوثيق نقطة النهاية؛ ومعظم مكتبات العملاء تتولى ذلك بنفسها.
code-invalid_client = لم يُثبت العميل هويته: إما أنه مجهول أو موقوف، أو أن سره أو تأكيده خاطئ، أو أنه استعمل طريقة غير المسجَّلة له.
code-invalid_client-fix = تحقّق من ⁨client_id⁩ ومن السر أو المفتاح ومن ⁨token_endpoint_auth_method⁩. ومع التأكيد تحقّق أيضًا من ⁨aud⁩ و⁨exp⁩ و⁨jti⁩ ومن ساعة الجهاز الذي أنشأه.
code-invalid_grant = رمز التفويض أو رمز التحديث مجهول أو منتهٍ أو مستهلَك أو مسحوب أو يخص عميلًا آخر. أو أن ⁨redirect_uri⁩ أو ⁨code_verifier⁩ يختلف عما في طلب التفويض.
code-invalid_grant-fix = استبدل كل رمز تفويض مرة واحدة وفورًا، واحتفظ دائمًا بأحدث رمز تحديث. وإذا لم يبقَ رمز صالح فليسجّل الشخص الدخول من جديد.
code-unauthorized_client = العميل معروف، لكنه غير مسجَّل لهذا النوع من المنح.
code-unauthorized_client-fix = أضف النوع إلى ⁨grant_types⁩ الخاصة بالعميل، أو استعمل نوعًا موجودًا فيها.
code-unsupported_grant_type = لا يوفّر هذا الخادم قيمة ⁨grant_type⁩ الواردة في الطلب.
code-unsupported_grant_type-fix = استعمل قيمة مذكورة في ⁨grant_types_supported⁩ ضمن البيانات الوصفية.
code-unsupported_response_type = قيمة ⁨response_type⁩ ليست ⁨code⁩، ولا يوفّر هذا الخادم غيرها.
code-unsupported_response_type-fix = استعمل مسار رمز التفويض مع ⁨PKCE⁩. فهو يحل محل المسارين الضمني والهجين.
code-unsupported_token_type = لا يستطيع هذا الخادم سحب رمز من هذا النوع.
code-unsupported_token_type-fix = اسحب رمز التحديث بدلًا منه، أو انتظر حتى تنتهي صلاحية الرمز.
code-invalid_scope = لا يجوز لهذا العميل طلب أي من هذه الصلاحيات، أو طُلب أكثر مما مُنح.
code-invalid_scope-fix = قارن ⁨scope⁩ الطلب بما سُجّل للعميل. وعند التضييق اطلب جزءًا مما مُنح.
code-invalid_target = أحد الموارد مجهول هنا، أو مكتوب خطأً، أو لم يُمنح.
code-invalid_target-fix = سمِّ الواجهة البرمجية كما سُجّلت تمامًا، حرفًا بحرف.
code-access_denied = رفض الشخص الطلب، أو أن المؤسسة لا تسمح به.
code-access_denied-fix = عامله كجواب لا كعطل: أخبر الشخص بما لن يعمل، واعرض عليه المحاولة من جديد.
code-server_error = حدث عطل في الخادم.
code-server_error-fix = حاول لاحقًا. وبالمرجع يجد القائمون على الخادم القصة كاملة في السجل.
code-temporarily_unavailable = على الخادم عمل كثير، أو لا يصل إلى قاعدة بياناته، أو يبطئ هذا العميل بعد محاولات فاشلة كثيرة.
code-temporarily_unavailable-fix = انتظر المدة المذكورة في ⁨Retry-After⁩، ثم حاول مرة أخرى.
code-invalid_token = رمز الوصول مفقود أو معيب أو منتهٍ أو مسحوب أو مخصَّص لواجهة برمجية أخرى.
code-invalid_token-fix = احصل على رمز جديد برمز التحديث، أو فليسجّل الشخص الدخول من جديد.
code-insufficient_scope = رمز الوصول صالح، لكن تنقصه صلاحية لازمة هنا.
code-insufficient_scope-fix = اطلب تلك الصلاحية حين يسجّل الشخص الدخول.
code-login_required = لا أحد مسجَّل الدخول، أو لم يسجّله منذ وقت قريب بما يكفي، أو سجّله شخص غير الذي يسمّيه الطلب (⁨claims⁩ مع ⁨sub⁩). فإما أن الطلب يمنع عرض الصفحات (⁨prompt=none⁩)، أو أن الصفحة لمن سجّلوا الدخول وحدهم.
code-login_required-fix = أرسل الطلب من جديد بلا ⁨prompt=none⁩، ولا تسمِّ شخصًا إلا بقيمة ⁨sub⁩ أصدرها هذا الخادم. أما في الصفحة فسجّل الدخول أولًا عبر تطبيق.
code-consent_required = يمنع الطلب عرض الصفحات (⁨prompt=none⁩)، لكن على الشخص أن يسمح بشيء أولًا.
code-consent_required-fix = أرسل الطلب من جديد بلا ⁨prompt=none⁩، حتى يمكن سؤال الشخص.
code-account_selection_required = يمنع الطلب عرض الصفحات (⁨prompt=none⁩)، لكن عدة أشخاص مسجَّلو الدخول في هذا المتصفح.
code-account_selection_required-fix = أرسل الطلب من جديد بلا ⁨prompt=none⁩، أو حدّد بمعامل ⁨id_token_hint⁩ من المقصود.
code-interaction_required = يمنع الطلب عرض الصفحات (⁨prompt=none⁩)، لكن لا بد من عرض صفحة.
code-interaction_required-fix = أرسل الطلب من جديد بلا ⁨prompt=none⁩.
code-unmet_authentication_requirements = يشترط الطلب تسجيل دخول أقوى (⁨acr⁩) مما يستطيعه أحد هنا.
code-unmet_authentication_requirements-fix = اشترط قيمة مذكورة في ⁨acr_values_supported⁩ ضمن البيانات الوصفية، أو تمنَّها بدل اشتراطها.
code-request_not_supported = يحمل المعامل ⁨request⁩ كائن طلب، وهذا الخادم لا يقرؤه.
code-request_not_supported-fix = أرسل المعاملات واحدًا واحدًا.
code-request_uri_not_supported = يشير المعامل ⁨request_uri⁩ إلى كائن طلب، وهذا الخادم لا يقرؤه.
code-request_uri_not_supported-fix = أرسل المعاملات واحدًا واحدًا.
code-registration_not_supported = المعامل ⁨registration⁩ غير متاح هنا.
code-registration_not_supported-fix = سجّل العميل مسبقًا، عند ⁨registration_endpoint⁩ أو لدى المسؤول.
code-invalid_redirect_uri = أحد عناوين إعادة التوجيه في التسجيل غير مسموح به.
code-invalid_redirect_uri-fix = أعطِ عناوين ⁨https⁩ كاملة بلا جزء بعد ⁨#⁩. عناوين الجهاز المحلي والمخططات الخاصة للتطبيقات الأصلية فقط.
code-invalid_client_metadata = إحدى قيم التسجيل غير مسموح بها، أو قيمتان منها لا تتفقان.
code-invalid_client_metadata-fix = يسمّي الوصف العنصر وما هو الصحيح.
code-invalid_software_statement = لا يمكن استعمال بيان البرنامج الوارد في التسجيل.
code-invalid_software_statement-fix = اتركه، وأعطِ العناصر واحدًا واحدًا.
code-forbidden = النموذج أو الصفحة يخص متصفحًا آخر أو جاء من موقع آخر، لذلك لم يتغير شيء.
code-forbidden-fix = أكمل في المتصفح الذي بدأت فيه مع السماح بملفات تعريف الارتباط، وافتح الصفحة من جديد.
code-not_found = لا يوجد شيء في هذا العنوان.
code-not_found-fix = خذ العناوين من البيانات الوصفية للمُصدِر بدل تركيبها.
code-gone = استُعمل الرابط أو الصفحة من قبل، أو صار قديمًا جدًا.
code-gone-fix = ابدأ من جديد، أو اطلب رابطًا جديدًا.

## صفحات المطورين

start-title = خادم Chancery يعمل
start-lead = هذا خادم للتطوير: لا يُوصل إليه إلا من هذا الجهاز، ويحتفظ بالرسائل بدل إرسالها.
start-issuer = جهة الإصدار (Issuer)
start-issuer-hint = أعطِ تطبيقك هذا العنوان، وكل ما عداه يُستنتج منه.
start-metadata = عرض البيانات الوصفية
start-next = الخطوات التالية
start-playground = ساحة التجربة
start-playground-text = شغّل مسارًا واقرأ كل طلب وكل رد.
start-account = حسابك
start-account-text = جلسات الشخص المسجَّل الدخول.
start-mail = الرسائل المحتجزة
start-mail-text = كل ما كان سيُرسل.
start-errors = صفحات الأخطاء
start-errors-text = كل خطأ يمكن أن يصادفه شخص.
start-styleguide = دليل الأسلوب
start-styleguide-text = كل عنصر في كل حالاته.
start-clients = عملاء للتجربة
start-client-id = معرّف العميل
start-client-kind = النوع
start-client-secret = السر
start-client-uri = عنوان إعادة التوجيه
start-no-secret = لا يوجد
start-secret-shown = عُرض مرة واحدة عند إنشائه
start-kind-web = تطبيق ويب
start-kind-spa = تطبيق متصفح
start-kind-native = تطبيق أصلي
start-kind-machine = آلة
start-kind-device = جهاز
start-people = أشخاص للتجربة
start-people-hint = تُطبع كلمات مرور الأشخاص التجريبيين مرة واحدة عند إنشائهم. وهذا الأمر يعيّن كلمة جديدة:

mail-title = الرسائل المحتجزة
mail-lead = لا يُرسل شيء أثناء التطوير. ما كان سيُرسل مدرج هنا، الأحدث أولًا.
mail-empty = لا رسائل بعد
mail-empty-text = لم تُرسل أي رسالة بعد. ما يرسله الخادم أثناء التطوير يُلتقط ويظهر هنا.
mail-again = ابحث مجددًا
mail-links = الروابط في هذه الرسالة

dev-errors-title = صفحات الأخطاء
dev-errors-lead = كل خطأ ينتهي في إحدى صفحاتنا، كما يراه الناس.
dev-errors-status = الحالة
dev-errors-kind = النوع
dev-errors-title-column = العنوان

playground-title = ساحة التجربة
playground-lead = اختر عميلًا ومسارًا، وشغّله، وشاهد ما يمر عبر الشبكة.
playground-client = العميل
playground-flow = المسار
playground-flow-code = رمز التفويض
playground-flow-client-credentials = بيانات اعتماد العميل
playground-flow-refresh = رمز التحديث
playground-flow-device = جهاز
playground-with = مع
playground-with-pkce = PKCE
playground-with-par = طلب مُسلَّم مسبقًا (PAR)
playground-with-dpop = رموز مرتبطة بمفتاح (DPoP)
playground-with-resource = مورد
playground-with-claims = بيانات مختارة
playground-with-offline-access = الوصول أثناء غيابك (offline_access)
playground-run = تشغيل المسار
playground-running = جارٍ التشغيل…
playground-sequence = ما حدث
playground-sequence-hint = افتح سطرًا لقراءة الرسالة كما أُرسلت. الأسرار محجوبة.
playground-done = اكتمل المسار حتى نهايته.
playground-refused = انتهى المسار قبل أوانه. { $reason }
playground-empty = لم يُشغَّل شيء بعد
playground-empty-text = اضغط على «تشغيل المسار» لترى أول تبادل.
playground-from-to = من { $from } إلى { $to }:
playground-curl = كأمر
playground-opaque = لا يقول هذا الرمز شيئًا بذاته. اسأل نقطة الاستعلام (introspection) عن معناه.
playground-claim = الاسم
playground-value = القيمة
playground-meaning = المعنى
playground-header = الترويسة
playground-claims = البيانات
playground-raw = كما وصل
lane-app = التطبيق
lane-browser = المتصفح
lane-server = Chancery

step-authorize = يرسل التطبيق المتصفح لتسجيل الدخول.
step-pushed = يسلّم التطبيق الطلب مباشرة كي لا يغيّره أحد في الطريق.
step-interaction = يسجّل الشخص الدخول ويقرر.
step-callback = يعيد المتصفح الرمز إلى التطبيق.
step-token = يستبدل التطبيق الرمز المؤقت برموز الوصول.
step-refresh = يستبدل التطبيق رمز التحديث برموز جديدة.
step-client-credentials = يطلب التطبيق رمزًا باسمه هو.
step-userinfo = يسأل التطبيق عمّن سجّل الدخول.
step-device = يطلب الجهاز رمزًا ليعرضه.
step-device-poll = يسأل الجهاز هل اتخذ الشخص قراره.
step-answer = الرد.

claim-acr = مدى قوة تسجيل الدخول، في كلمة واحدة.
claim-alg = الخوارزمية التي وُقّع بها الرمز.
claim-amr = كيف أثبت الشخص هويته.
claim-at_hash = يربط رمز الهوية برمز الوصول الذي جاء معه.
claim-aud = الجهة التي خُصص لها الرمز، وعلى غيرها أن ترفضه.
claim-auth_time = متى سجّل الشخص الدخول آخر مرة.
claim-azp = العميل الذي طلب الرمز.
claim-c_hash = يربط رمز الهوية برمز التفويض الذي جاء معه.
claim-client_id = العميل الذي أُصدر له الرمز.
claim-cnf = المفتاح الذي يجب على مقدّم الرمز أن يثبت امتلاكه.
claim-email = عنوان البريد الإلكتروني.
claim-email_verified = هل تم تأكيد البريد الإلكتروني.
claim-exp = متى يتوقف الرمز عن العمل.
claim-family_name = اسم العائلة.
claim-given_name = الاسم الأول.
claim-grant = الإذن الذي صدر عنه الرمز، وبانتهائه ينتهي الرمز.
claim-iat = متى أُنشئ الرمز.
claim-iss = من أصدر الرمز، ومنه يُتوصل إلى المفاتيح التي تتحقق منه.
claim-jti = اسم لهذا الرمز وحده، لتمييزه من غيره.
claim-kid = مفتاح جهة الإصدار الذي وُقّع به الرمز.
claim-locale = اللغة التي يفضّلها الشخص.
claim-name = الاسم كما يُعرض.
claim-nbf = لا يعمل الرمز قبل هذا الوقت.
claim-nonce = ما أرسله التطبيق مع طلبه ليتعرّف عليه.
claim-preferred_username = الاسم الذي يسجّل به الشخص الدخول، وقد يتغير.
claim-scope = ما يسمح به الرمز.
claim-sid = الجلسة التي ينتمي إليها، لأجل تسجيل الخروج.
claim-sub = الشخص، بمعرّف لا يتغير أبدًا.
claim-typ = نوع هذا الرمز.
claim-updated_at = متى تغيّر الملف الشخصي آخر مرة.
claim-zoneinfo = المنطقة الزمنية للشخص.
claim-other = بيان ليس لدى هذه الصفحة وصف له.

## دليل الأسلوب

guide-title = دليل الأسلوب
guide-lead = كل عنصر في كل حالاته. غيّر اللغة ونظام الألوان وعرض النافذة أثناء النظر.
guide-buttons = الأزرار
guide-primary = أساسي
guide-secondary = ثانوي
guide-quiet = هادئ
guide-danger = خطِر
guide-busy = مشغول
guide-link = رابط
guide-fields = الحقول
guide-field-empty = فارغ
guide-field-hint = مع تلميح
guide-field-hint-text = يقول التلميح ما هو المطلوب قبل أن يكتب أحد.
guide-field-filled = مملوء
guide-field-wrong = خاطئ
guide-field-wrong-text = يقول هذا ما الخطأ وكيف يُصلح.
guide-field-fixed = للقراءة فقط
guide-field-code = رمز
guide-field-select = اختيار
guide-option-a = الخيار الأول
guide-option-b = الخيار الثاني
guide-checks = الخيارات
guide-check-off = متوقف
guide-check-on = مفعّل
guide-alerts = التنبيهات
guide-alert-text = جملة تقول ما حدث وما العمل الآن.
guide-badges = الشارات والوسوم
guide-badge = شارة
guide-people = الحسابات والعملاء
guide-scopes = الأذونات
guide-icons = الأيقونات
guide-tiles = البلاطات
guide-card = البطاقات
guide-facts = المعلومات
guide-fact-name = الاسم
guide-fact-value = القيمة
guide-tables = الجداول
guide-empty = حالة فارغة
guide-empty-title = لا شيء هنا بعد
guide-empty-text = جملة واحدة تقول كيف يتغير ذلك.
guide-fold = نص مطوي
guide-type = الخط
guide-heading-1 = عنوان الصفحة
guide-heading-2 = عنوان القسم
guide-heading-3 = عنوان صغير
guide-body = يلتزم النص بخمسة وستين حرفًا في السطر لأن العين يصعب عليها تتبّع السطور الأطول. وهو يلتف على الشاشات الضيقة، ويكبر عندما يطلب الناس أحرفًا أكبر.
guide-colours = الألوان
