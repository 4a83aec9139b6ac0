// Words of the pages and mails of those who are told: X(key, English, German, French, Spanish,
// Chinese, Arabic). {1} is a value.
#pragma once

#define WORDS_NOTIFY_MAP(X)                                                                        \
    /* subscribing */                                                                              \
    X(SUBSCRIBE_TITLE, "Mails about incidents and maintenance",                                    \
        "E-Mails über Störungen und Wartung", "E-mails sur les incidents et la maintenance",       \
        "Correos sobre incidentes y mantenimiento", "事件与维护的邮件通知",                                  \
        "رسائل بريد عن الحوادث والصيانة")                                                          \
    X(SUBSCRIBE_ADDRESS, "Your address for mail:", "Ihre E-Mail-Adresse:",                         \
        "Votre adresse e-mail :", "Su dirección de correo:", "您的邮箱地址:",                            \
        "عنوان بريدك الإلكتروني:")                                                                 \
    X(SUBSCRIBE_ABOUT, "About", "Worüber", "À propos de", "Sobre", "通知范围", "حول")                  \
    X(SUBSCRIBE_CHOOSE, "Everything, or only what is chosen here:",                                \
        "Alles, oder nur was hier ausgewählt ist:",                                                \
        "Tout, ou seulement ce qui est choisi ici :", "Todo, o solo lo que se elija aquí:",        \
        "全部,或仅限此处选择的项目:", "كل شيء، أو ما يُختار هنا فقط:")                                         \
    X(SUBSCRIBE_BUTTON, "Ask for mails", "E-Mails anfordern", "Demander les e-mails",              \
        "Solicitar correos", "申请邮件通知", "اطلب الرسائل")                                             \
    X(SUBSCRIBE_HELP,                                                                              \
        "You get one mail with a link to confirm it. The address is used for nothing else, and "   \
        "each mail has a link to end it.",                                                         \
        "Sie erhalten eine E-Mail mit einem Link zur Bestätigung. Die Adresse wird für nichts "    \
        "anderes verwendet, und jede E-Mail enthält einen Link zum Abbestellen.",                  \
        "Vous recevrez un e-mail avec un lien de confirmation. L’adresse ne sert à rien "          \
        "d’autre, et chaque e-mail contient un lien pour se désabonner.",                          \
        "Recibirá un correo con un enlace para confirmarlo. La dirección no se usa para nada "     \
        "más, y cada correo lleva un enlace para darse de baja.",                                  \
        "您将收到一封含确认链接的邮件。该地址不作他用,每封邮件都附有退订链接。",                                                     \
        "ستصلك رسالة فيها رابط للتأكيد. لا يُستخدم العنوان لأي غرض آخر، وفي كل رسالة رابط "        \
        "لإلغاء الاشتراك.")                                                                        \
    X(ADDRESS_BAD_TITLE, "That is no address", "Das ist keine Adresse",                            \
        "Ce n’est pas une adresse", "Eso no es una dirección", "地址无效", "هذا ليس عنوانًا")          \
    X(ADDRESS_BAD_TEXT, "Please go back and write an address such as name@example.com.",           \
        "Bitte gehen Sie zurück und geben Sie eine Adresse wie name@example.com ein.",             \
        "Veuillez revenir en arrière et saisir une adresse telle que name@example.com.",           \
        "Vuelva atrás y escriba una dirección como name@example.com.",                             \
        "请返回并填写类似 name@example.com 的地址。", "يرجى الرجوع وكتابة عنوان مثل name@example.com.")        \
    X(CHOICE_LARGE_TITLE, "That is too much to choose", "Das ist zu viel Auswahl",                 \
        "C’est trop de choix", "Son demasiados elementos", "选择的项目过多", "الاختيارات كثيرة جدًا")     \
    X(CHOICE_LARGE_TEXT, "Please go back and choose fewer of them, or none for everything.",       \
        "Bitte gehen Sie zurück und wählen Sie weniger aus, oder nichts für alles.",               \
        "Veuillez revenir en arrière et en choisir moins, ou aucun pour tout recevoir.",           \
        "Vuelva atrás y elija menos, o ninguno para recibirlo todo.", "请返回并减少选择,不选即表示全部。",         \
        "يرجى الرجوع واختيار عدد أقل، أو عدم اختيار شيء لتلقي الكل.")                              \
    X(MAILED_TITLE, "Look into your mail", "Sehen Sie in Ihre E-Mails",                            \
        "Consultez votre messagerie", "Mire su correo", "请查收邮件", "تفقّد بريدك")                    \
    X(MAILED_TEXT,                                                                                 \
        "A mail with a link is on its way to you. It is valid for a day. None came? Look where "   \
        "unwanted mail goes; after an hour you can ask again.",                                    \
        "Eine E-Mail mit einem Link ist unterwegs zu Ihnen. Er gilt einen Tag lang. Nichts "       \
        "angekommen? Sehen Sie im Spam-Ordner nach; nach einer Stunde können Sie erneut "          \
        "anfragen.",                                                                               \
        "Un e-mail avec un lien est en route. Il est valable un jour. Rien reçu ? Regardez "       \
        "dans les indésirables ; au bout d’une heure, vous pourrez refaire la demande.",           \
        "Un correo con un enlace va de camino. Es válido durante un día. ¿No ha llegado? Mire "    \
        "en el correo no deseado; pasada una hora puede volver a solicitarlo.",                    \
        "一封含链接的邮件正发往您的邮箱,链接一天内有效。没有收到?请查看垃圾邮件;一小时后可再次申请。",                                         \
        "رسالة فيها رابط في طريقها إليك، والرابط صالح ليوم واحد. لم تصل؟ انظر في البريد غير "      \
        "المرغوب فيه؛ ويمكنك الطلب مجددًا بعد ساعة.")                                              \
    X(ASKED_OFTEN_TITLE, "Too many ask", "Zu viele Anfragen", "Trop de demandes",                  \
        "Demasiadas solicitudes", "申请过多", "الطلبات كثيرة جدًا")                                    \
    X(ASKED_OFTEN_TEXT, "Please try again in an hour.",                                            \
        "Bitte versuchen Sie es in einer Stunde noch einmal.",                                     \
        "Veuillez réessayer dans une heure.", "Vuelva a intentarlo dentro de una hora.",           \
        "请一小时后再试。", "يرجى المحاولة بعد ساعة.")                                                     \
    X(CONFIRM_BUTTON, "Send me mails", "E-Mails zusenden", "Envoyez-moi des e-mails",              \
        "Envíenme correos", "给我发送邮件", "أرسلوا لي الرسائل")                                         \
    X(CONFIRMED_TITLE, "You will be told", "Sie werden benachrichtigt", "Vous serez informé",      \
        "Le avisaremos", "您将收到通知", "ستصلك الإشعارات")                                              \
    X(CONFIRMED_TEXT,                                                                              \
        "Mails about incidents and maintenance will come to your address. Each has a link to "     \
        "end it.",                                                                                 \
        "E-Mails über Störungen und Wartung gehen an Ihre Adresse. Jede enthält einen Link zum "   \
        "Abbestellen.",                                                                            \
        "Les e-mails sur les incidents et la maintenance arriveront à votre adresse. Chacun "      \
        "contient un lien pour se désabonner.",                                                    \
        "Los correos sobre incidentes y mantenimiento llegarán a su dirección. Cada uno lleva "    \
        "un enlace para darse de baja.", "事件与维护的邮件将发送到您的地址,每封都附有退订链接。",                            \
        "ستصل رسائل الحوادث والصيانة إلى عنوانك، وفي كل منها رابط لإلغاء الاشتراك.")               \
    X(SUBSCRIBERS_FULL_TEXT,                                                                       \
        "There are as many subscribers as there may be. Please tell the operator.",                \
        "Es gibt schon so viele Abonnenten, wie es geben darf. Bitte sagen Sie es dem "            \
        "Betreiber.", "Le nombre maximal d’abonnés est atteint. Veuillez prévenir l’opérateur.",   \
        "Ya hay tantos suscriptores como puede haber. Avise al operador.", "订阅者已达上限,请告知管理员。",      \
        "بلغ عدد المشتركين حدّه الأقصى. يرجى إبلاغ المشغّل.")                                      \
    X(END_TITLE, "No more mails about incidents and maintenance?",                                 \
        "Keine E-Mails über Störungen und Wartung mehr?",                                          \
        "Ne plus recevoir d’e-mails sur les incidents et la maintenance ?",                        \
        "¿No recibir más correos sobre incidentes y mantenimiento?", "不再接收事件与维护的邮件?",              \
        "هل تريد إيقاف رسائل الحوادث والصيانة؟")                                                   \
    X(END_BUTTON, "No more mails", "Keine E-Mails mehr", "Plus d’e-mails", "No más correos",       \
        "不再接收邮件", "أوقفوا الرسائل")                                                                \
    X(ENDED_TITLE, "No more mails", "Keine E-Mails mehr", "Plus d’e-mails", "No más correos",      \
        "已退订", "أُوقفت الرسائل")                                                                   \
    X(ENDED_TEXT, "What is on its way already may still come.",                                    \
        "Was schon unterwegs ist, kann noch ankommen.",                                            \
        "Ce qui est déjà en route peut encore arriver.",                                           \
        "Lo que ya está en camino aún puede llegar.", "已发出的邮件仍可能送达。", "قد يصل ما أُرسل بالفعل.")   \
    X(LINK_OLD_TITLE, "This link is too old", "Dieser Link ist zu alt",                            \
        "Ce lien est trop ancien", "Este enlace es demasiado antiguo", "此链接已过期",                   \
        "هذا الرابط قديم جدًا")                                                                    \
    X(LINK_OLD_TEXT, "Please ask for a new one.", "Bitte fordern Sie einen neuen an.",             \
        "Veuillez en demander un nouveau.", "Solicite uno nuevo.", "请重新申请。",                       \
        "يرجى طلب رابط جديد.")                                                                     \
    X(LINK_BROKEN_TITLE, "This link is not whole", "Dieser Link ist nicht vollständig",            \
        "Ce lien est incomplet", "Este enlace no está completo", "此链接不完整",                         \
        "هذا الرابط غير كامل")                                                                     \
    X(LINK_BROKEN_TEXT, "Please open it again from the mail, or copy all of it.",                  \
        "Bitte öffnen Sie ihn noch einmal aus der E-Mail, oder kopieren Sie ihn ganz.",            \
        "Veuillez le rouvrir depuis l’e-mail, ou le copier en entier.",                            \
        "Ábralo de nuevo desde el correo, o cópielo entero.", "请从邮件中重新打开,或复制完整链接。",                \
        "يرجى فتحه من الرسالة مجددًا، أو نسخه كاملًا.")                                            \
    X(ELSEWHERE_TITLE, "That came from another site", "Das kam von einer anderen Seite",           \
        "Cela vient d’un autre site", "Eso vino de otro sitio", "请求来自其他网站",                        \
        "جاء هذا من موقع آخر")                                                                     \
    X(ELSEWHERE_FORM, "Please use the form on this page.",                                         \
        "Bitte verwenden Sie das Formular auf dieser Seite.",                                      \
        "Veuillez utiliser le formulaire de cette page.", "Use el formulario de esta página.",     \
        "请使用本页面上的表单。", "يرجى استخدام النموذج في هذه الصفحة.")                                      \
    X(ELSEWHERE_LINK, "Please open the link in the mail again.",                                   \
        "Bitte öffnen Sie den Link in der E-Mail noch einmal.",                                    \
        "Veuillez rouvrir le lien de l’e-mail.", "Abra de nuevo el enlace del correo.",            \
        "请重新打开邮件中的链接。", "يرجى فتح الرابط في الرسالة مجددًا.")                                      \
    X(NOT_WHOLE_TITLE, "That did not arrive whole", "Das kam nicht vollständig an",                \
        "Cela n’est pas arrivé en entier", "No ha llegado completo", "内容未完整送达",                    \
        "لم يصل ذلك كاملًا")                                                                       \
    X(NOT_WHOLE_TEXT, "Please go back and try again.",                                             \
        "Bitte gehen Sie zurück und versuchen Sie es noch einmal.",                                \
        "Veuillez revenir en arrière et réessayer.", "Vuelva atrás e inténtelo de nuevo.",         \
        "请返回并重试。", "يرجى الرجوع والمحاولة مجددًا.")                                                \
    X(FORM_ONLY_TITLE, "That cannot be done here", "Das geht hier nicht",                          \
        "C’est impossible ici", "Eso no se puede hacer aquí", "此处无法执行该操作", "لا يمكن ذلك هنا")      \
    X(FORM_ONLY_TEXT, "Please use the form.", "Bitte verwenden Sie das Formular.",                 \
        "Veuillez utiliser le formulaire.", "Use el formulario.", "请使用表单。",                        \
        "يرجى استخدام النموذج.")                                                                   \
    /* mails */                                                                                    \
    X(MAIL_WINDOW_SCHEDULED, "Maintenance announced", "Wartung angekündigt",                       \
        "Maintenance annoncée", "Mantenimiento anunciado", "维护公告", "أُعلن عن صيانة")               \
    X(MAIL_WINDOW_BEGUN, "Maintenance has begun", "Wartung hat begonnen",                          \
        "La maintenance a commencé", "El mantenimiento ha comenzado", "维护已开始", "بدأت الصيانة")     \
    X(MAIL_WINDOW_OVER, "Maintenance is over", "Wartung ist beendet",                              \
        "La maintenance est terminée", "El mantenimiento ha terminado", "维护已结束",                   \
        "انتهت الصيانة")                                                                           \
    X(MAIL_MERGED, "Merged into another incident", "Mit einer anderen Störung vereint",            \
        "Fusionné avec un autre incident", "Fusionado con otro incidente", "已并入另一事件",              \
        "دُمج في حادث آخر")                                                                        \
    X(MAIL_FROM, "From {1}", "Ab {1}", "À partir du {1}", "Desde el {1}", "{1} 起",                 \
        "ابتداءً من {1}")                                                                          \
    X(MAIL_SINCE, "Since {1}", "Seit {1}", "Depuis le {1}", "Desde el {1}", "自 {1} 起",             \
        "منذ {1}")                                                                                 \
    X(MAIL_SPAN, "From {1} to {2}", "Von {1} bis {2}", "Du {1} au {2}", "Del {1} al {2}",          \
        "{1} 至 {2}", "من {1} إلى {2}")                                                             \
    X(MAIL_BRIEF, "Began and was resolved: {1} to {2}", "Begann und wurde behoben: {1} bis {2}",   \
        "Commencé et résolu : du {1} au {2}", "Comenzó y se resolvió: del {1} al {2}",             \
        "发生并已解决:{1} 至 {2}", "بدأ وحُلّ: {1} إلى {2}")                                              \
    X(MAIL_EXPECTED, "Since {1}, expected to be over at {2}",                                      \
        "Seit {1}, voraussichtlich vorbei: {2}", "Depuis le {1}, fin prévue : {2}",                \
        "Desde el {1}, fin prevista: {2}", "自 {1} 起,预计于 {2} 结束",                                   \
        "منذ {1}، ويُتوقع أن ينتهي: {2}")                                                          \
    X(MAIL_AFFECTS, "Affects: {1}", "Betroffen: {1}", "Concerne : {1}", "Afecta a: {1}",           \
        "受影响:{1}", "المتأثر: {1}")                                                                 \
    X(MAIL_READ, "Read more", "Mehr lesen", "En savoir plus", "Más información", "查看详情",           \
        "اقرأ المزيد")                                                                             \
    X(MAIL_PAGE, "Status page", "Statusseite", "Page d’état", "Página de estado", "状态页",           \
        "صفحة الحالة")                                                                             \
    X(MAIL_END, "No more of these mails", "Keine solchen E-Mails mehr",                            \
        "Ne plus recevoir ces e-mails", "No recibir más estos correos", "退订此类邮件",                  \
        "إيقاف هذه الرسائل")                                                                       \
    X(COUNT_AND_MORE, "and # more|and # more", "und # weiteres|und # weitere",                     \
        "et # autre|et # autres", "y # más|y # más", "另有 # 项",                                     \
        "و# أخرى|وواحد آخر|واثنان آخران|و# أخرى|و# أخرى|و# أخرى")                                  \
    X(MAIL_CONFIRM_SUBJECT, "Confirm: mails about {1}", "Bitte bestätigen: E-Mails über {1}",      \
        "À confirmer : e-mails sur {1}", "Confirme: correos sobre {1}", "请确认:{1} 的邮件通知",           \
        "يرجى التأكيد: رسائل عن {1}")                                                              \
    X(MAIL_CONFIRM_ASKED,                                                                          \
        "Somebody, hopefully you, asked for mails about incidents and maintenance of {1} to be "   \
        "sent to this address.",                                                                   \
        "Jemand, hoffentlich Sie, hat angefordert, dass E-Mails über Störungen und Wartung von "   \
        "{1} an diese Adresse gesendet werden.",                                                   \
        "Quelqu’un, vous espérons-le, a demandé que les e-mails sur les incidents et la "          \
        "maintenance de {1} soient envoyés à cette adresse.",                                      \
        "Alguien, esperamos que usted, ha solicitado que los correos sobre incidentes y "          \
        "mantenimiento de {1} se envíen a esta dirección.", "有人(希望是您本人)申请将 {1} 的事件与维护邮件发送到此地址。",   \
        "طلب شخص ما، ونأمل أنه أنت، إرسال رسائل عن حوادث {1} وصيانتها إلى هذا العنوان.")           \
    X(MAIL_CONFIRM_OPEN,                                                                           \
        "To get them, open this page and press the button there, within a day:",                   \
        "Um sie zu erhalten, öffnen Sie binnen eines Tages diese Seite und drücken Sie dort "      \
        "den Knopf:",                                                                              \
        "Pour les recevoir, ouvrez cette page et appuyez sur le bouton, dans la journée :",        \
        "Para recibirlos, abra esta página y pulse el botón, en el plazo de un día:",              \
        "如需接收,请在一天内打开此页面并点击按钮:", "لتلقيها، افتح هذه الصفحة واضغط الزر خلال يوم واحد:")             \
    X(MAIL_CONFIRM_IGNORE, "If it was not you, do nothing: no further mail will come.",            \
        "Wenn Sie es nicht waren, tun Sie nichts: Es kommt keine weitere E-Mail.",                 \
        "Si ce n’était pas vous, ne faites rien : aucun autre e-mail ne viendra.",                 \
        "Si no ha sido usted, no haga nada: no llegará ningún otro correo.",                       \
        "如果不是您本人,请忽略:不会再有邮件。", "إن لم تكن أنت، فلا تفعل شيئًا: لن تصل أي رسالة أخرى.")             \
    X(MAIL_SOME_PAGE, "a status page", "einer Statusseite", "une page d’état",                     \
        "una página de estado", "某个状态页", "صفحة حالة")
