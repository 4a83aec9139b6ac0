// Words of states, reasons, incidents, counts, dates and numbers: X(key, English, German, French,
// Spanish, Chinese, Arabic). {1} is a value; the forms of a count stand between bars, see words.h.
#pragma once

#define WORDS_STATE_MAP(X)                                                                         \
    /* states of components */                                                                     \
    X(STATE_UNKNOWN, "Unknown", "Unbekannt", "Inconnu", "Desconocido", "未知", "غير معروف")          \
    X(STATE_OPERATIONAL, "Operational", "In Betrieb", "Opérationnel", "Operativo", "正常", "يعمل")   \
    X(STATE_DEGRADED, "Degraded", "Beeinträchtigt", "Dégradé", "Degradado", "性能下降",                \
        "أداء متدنٍّ")                                                                             \
    X(STATE_PARTIAL, "Partial outage", "Teilweise gestört", "Panne partielle",                     \
        "Interrupción parcial", "部分中断", "انقطاع جزئي")                                             \
    X(STATE_DOWN, "Down", "Ausgefallen", "En panne", "Caído", "中断", "متوقف")                       \
    X(STATE_MAINTENANCE, "Maintenance", "Wartung", "Maintenance", "Mantenimiento", "维护中",          \
        "صيانة")                                                                                   \
    /* all of them in one sentence */                                                              \
    X(OVERALL_EMPTY, "Nothing is watched here yet", "Hier wird noch nichts überwacht",             \
        "Rien n’est encore surveillé ici", "Aquí todavía no se vigila nada", "尚未监控任何服务",           \
        "لا يُراقَب شيء هنا بعد")                                                                  \
    X(OVERALL_UNKNOWN, "The state is not known just now",                                          \
        "Der Zustand ist zurzeit nicht bekannt", "L’état n’est pas connu pour le moment",          \
        "El estado no se conoce en este momento", "目前状态未知", "الحالة غير معروفة حاليًا")            \
    X(OVERALL_OPERATIONAL, "All systems are operational", "Alle Systeme sind in Betrieb",          \
        "Tous les systèmes sont opérationnels", "Todos los sistemas funcionan", "所有系统运行正常",        \
        "جميع الأنظمة تعمل")                                                                       \
    X(OVERALL_MOSTLY, "All that could be checked is operational",                                  \
        "Alles, was geprüft werden konnte, ist in Betrieb",                                        \
        "Tout ce qui a pu être vérifié est opérationnel",                                          \
        "Todo lo que se pudo comprobar funciona", "所有可检查的系统均运行正常", "كل ما أمكن فحصه يعمل")         \
    X(OVERALL_DEGRADED, "Some systems are not at their best",                                      \
        "Einige Systeme sind beeinträchtigt", "Certains systèmes sont dégradés",                   \
        "Algunos sistemas están degradados", "部分系统性能下降", "أداء بعض الأنظمة متدنٍّ")                \
    X(OVERALL_PARTIAL, "Some systems do not work for everyone",                                    \
        "Einige Systeme sind teilweise gestört",                                                   \
        "Certains systèmes sont partiellement en panne", "Algunos sistemas fallan parcialmente",   \
        "部分系统出现局部中断", "بعض الأنظمة متوقفة جزئيًا")                                                 \
    X(OVERALL_DOWN, "Some systems are down", "Einige Systeme sind ausgefallen",                    \
        "Certains systèmes sont en panne", "Algunos sistemas están caídos", "部分系统中断",              \
        "بعض الأنظمة متوقفة")                                                                      \
    X(OVERALL_ALL_DOWN, "All systems are down", "Alle Systeme sind ausgefallen",                   \
        "Tous les systèmes sont en panne", "Todos los sistemas están caídos", "所有系统中断",            \
        "جميع الأنظمة متوقفة")                                                                     \
    X(OVERALL_MAINTENANCE, "Maintenance is under way", "Es wird gewartet",                         \
        "Une maintenance est en cours", "Hay un mantenimiento en curso", "正在进行维护",                 \
        "تجري أعمال صيانة")                                                                        \
    /* reasons, in the order of REASON_MAP */                                                      \
    X(REASON_NONE, "Something is wrong", "Etwas stimmt nicht", "Quelque chose ne va pas",          \
        "Algo va mal", "出现问题", "حدث خلل")                                                          \
    X(REASON_NO_ANSWER, "No server answers", "Kein Server antwortet", "Aucun serveur ne répond",   \
        "Ningún servidor responde", "没有服务器响应", "لا يستجيب أي خادم")                                \
    X(REASON_COPIES, "No server answers; visitors are shown copies",                               \
        "Kein Server antwortet; Besucher sehen Kopien",                                            \
        "Aucun serveur ne répond ; les visiteurs voient des copies",                               \
        "Ningún servidor responde; los visitantes ven copias", "没有服务器响应;访客看到的是副本",                 \
        "لا يستجيب أي خادم؛ تُعرض على الزوّار نسخ محفوظة")                                         \
    X(REASON_SOME_SERVERS, "Some servers do not answer", "Einige Server antworten nicht",          \
        "Certains serveurs ne répondent pas", "Algunos servidores no responden", "部分服务器没有响应",      \
        "بعض الخوادم لا تستجيب")                                                                   \
    X(REASON_ERRORS, "Many requests fail", "Viele Anfragen schlagen fehl",                         \
        "De nombreuses requêtes échouent", "Muchas peticiones fallan", "大量请求失败",                   \
        "تفشل طلبات كثيرة")                                                                        \
    X(REASON_SLOW, "Answers are slow", "Antworten dauern lange", "Les réponses sont lentes",       \
        "Las respuestas son lentas", "响应缓慢", "الاستجابات بطيئة")                                   \
    X(REASON_TIMEOUT, "No answer in time", "Keine Antwort in der vorgesehenen Zeit",               \
        "Pas de réponse dans le délai imparti", "No hay respuesta a tiempo", "响应超时",               \
        "لا استجابة في الوقت المحدد")                                                              \
    X(REASON_REFUSED, "Connections are refused", "Verbindungen werden abgelehnt",                  \
        "Les connexions sont refusées", "Se rechazan las conexiones", "连接被拒绝",                     \
        "تُرفض الاتصالات")                                                                         \
    X(REASON_NAME, "The name cannot be resolved", "Der Name lässt sich nicht auflösen",            \
        "Le nom ne peut pas être résolu", "No se puede resolver el nombre", "无法解析域名",              \
        "يتعذر تحليل اسم النطاق")                                                                  \
    X(REASON_TLS, "No secure connection can be made",                                              \
        "Es kommt keine sichere Verbindung zustande",                                              \
        "Aucune connexion sécurisée n’est possible",                                               \
        "No se puede establecer una conexión segura", "无法建立安全连接", "يتعذر إنشاء اتصال آمن")         \
    X(REASON_CERTIFICATE, "The certificate is not valid", "Das Zertifikat ist ungültig",           \
        "Le certificat n’est pas valide", "El certificado no es válido", "证书无效",                   \
        "الشهادة غير صالحة")                                                                       \
    X(REASON_EXPIRES, "The certificate expires in {1}", "Das Zertifikat läuft in {1} ab",          \
        "Le certificat expire dans {1}", "El certificado caduca en {1}", "证书将在 {1}后过期",            \
        "تنتهي صلاحية الشهادة خلال {1}")                                                           \
    X(REASON_STATUS, "An unexpected status is answered: {1}",                                      \
        "Unerwarteter Status in der Antwort: {1}", "Un statut inattendu est renvoyé : {1}",        \
        "Se responde un estado inesperado: {1}", "返回了意外的状态码:{1}", "رمز حالة غير متوقع: {1}")       \
    X(REASON_CONTENT, "Unexpected content is answered", "Unerwarteter Inhalt in der Antwort",      \
        "Un contenu inattendu est renvoyé", "Se responde un contenido inesperado", "返回了意外的内容",     \
        "محتوى غير متوقع في الاستجابة")                                                            \
    X(REASON_PROTOCOL, "The answer cannot be understood", "Die Antwort ist nicht zu verstehen",    \
        "La réponse est incompréhensible", "No se entiende la respuesta", "无法理解响应",                \
        "يتعذر فهم الاستجابة")                                                                     \
    X(REASON_LATE, "The expected sign of life is missing", "Das erwartete Lebenszeichen fehlt",    \
        "Le signe de vie attendu manque", "Falta la señal de vida esperada", "未收到预期的心跳信号",         \
        "لم تصل إشارة النشاط المتوقعة")                                                            \
    X(REASON_DISAGREE, "Works from some places only", "Nur von einigen Orten aus erreichbar",      \
        "Ne fonctionne que depuis certains endroits", "Solo funciona desde algunos lugares",       \
        "仅从部分地点可用", "يعمل من بعض المواقع فقط")                                                     \
    X(REASON_BLIND, "Nobody could check", "Niemand konnte es prüfen",                              \
        "Personne n’a pu vérifier", "Nadie pudo comprobarlo", "目前无法检查", "تعذّر الفحص")             \
    X(REASON_DEPENDENCY, "Something it depends on is down",                                        \
        "Etwas, wovon es abhängt, ist ausgefallen", "Un élément dont il dépend est en panne",      \
        "Algo de lo que depende está caído", "所依赖的系统中断", "تعطّل شيء يعتمد عليه")                   \
    X(REASON_DEPENDENCY_MAINTENANCE, "Something it depends on is under maintenance",               \
        "Etwas, wovon es abhängt, wird gewartet",                                                  \
        "Un élément dont il dépend est en maintenance",                                            \
        "Algo de lo que depende está en mantenimiento",                                            \
        "所依赖的系统正在维护",                                                                              \
        "شيء يعتمد عليه قيد الصيانة")                                                              \
    X(REASON_REPORTED, "Visitors report a problem", "Besucher melden ein Problem",                 \
        "Des visiteurs signalent un problème", "Los visitantes informan de un problema",           \
        "访客报告了问题", "أبلغ الزوّار عن مشكلة")                                                        \
    X(REASON_OPERATOR, "Set by an operator", "Vom Betreiber gesetzt", "Défini par un opérateur",   \
        "Establecido por un operador", "由管理员设置", "حدّدها المشغّل")                                 \
    X(REASON_SAYS_MAINTENANCE, "It says that it is under maintenance",                             \
        "Nach eigener Angabe in Wartung",                                                          \
        "Indique être en maintenance",                                                             \
        "Indica que está en mantenimiento",                                                        \
        "自称正在维护",                                                                                  \
        "يعلن بنفسه أنه قيد الصيانة")                                                              \
    X(REASON_SAYS_FAILURE, "It reports a failure", "Es meldet einen Fehler",                       \
        "Il signale un échec", "Comunica un fallo", "自身报告了故障", "أبلغ عن إخفاق")                  \
    /* incidents */                                                                                \
    X(INCIDENT_INVESTIGATING, "Investigating", "Wird untersucht", "Analyse en cours",              \
        "Investigando", "调查中", "قيد التحقيق")                                                      \
    X(INCIDENT_IDENTIFIED, "Identified", "Ursache gefunden", "Cause identifiée", "Identificado",   \
        "已确定原因", "حُدّد السبب")                                                                    \
    X(INCIDENT_MONITORING, "Monitoring", "Wird beobachtet", "Sous surveillance",                   \
        "En observación", "观察中", "قيد المراقبة")                                                   \
    X(INCIDENT_RESOLVED, "Resolved", "Behoben", "Résolu", "Resuelto", "已解决", "تم الحل")            \
    X(IMPACT_NONE, "No impact", "Keine Auswirkung", "Aucun impact", "Sin impacto", "无影响",          \
        "بلا تأثير")                                                                               \
    X(IMPACT_MINOR, "Minor impact", "Geringe Auswirkung", "Impact mineur", "Impacto menor",        \
        "轻微影响", "تأثير طفيف")                                                                      \
    X(IMPACT_MAJOR, "Major impact", "Große Auswirkung", "Impact majeur", "Impacto mayor",          \
        "重大影响", "تأثير كبير")                                                                      \
    X(IMPACT_CRITICAL, "Critical impact", "Kritische Auswirkung", "Impact critique",               \
        "Impacto crítico", "严重影响", "تأثير حرج")                                                    \
    X(AUTO_INVESTIGATING, "Noticed automatically.", "Automatisch bemerkt.",                        \
        "Détecté automatiquement.", "Detectado automáticamente.", "由系统自动发现。",                      \
        "اكتُشف تلقائيًا.")                                                                        \
    X(AUTO_AGAIN, "It fails again.", "Es ist wieder gestört.", "La panne est revenue.",            \
        "Vuelve a fallar.", "问题再次出现。", "عاد الخلل.")                                             \
    X(AUTO_IDENTIFIED, "The cause is known.", "Die Ursache ist bekannt.",                          \
        "La cause est connue.", "Se conoce la causa.", "原因已查明。", "السبب معروف.")                   \
    X(AUTO_MONITORING, "It works again. We are watching whether it stays so.",                     \
        "Es läuft wieder. Wir beobachten, ob es so bleibt.",                                       \
        "Cela fonctionne à nouveau. Nous vérifions que cela dure.",                                \
        "Vuelve a funcionar. Observamos si sigue así.", "已恢复正常,正在观察是否稳定。",                         \
        "عاد إلى العمل. نراقب إن كان سيستقر.")                                                     \
    X(AUTO_RESOLVED, "It is over.", "Es ist vorbei.", "C’est terminé.", "Ha terminado.",           \
        "事件已结束。", "انتهى الأمر.")                                                                  \
    X(AUTO_UNWATCHED, "What it was about is no longer watched.",                                   \
        "Das Betroffene wird nicht mehr beobachtet.",                                              \
        "Ce qui était concerné n’est plus surveillé.", "Lo afectado ya no se observa.",            \
        "相关系统已不再监控。", "لم يعد ما تأثر مُراقَبًا.")                                                \
    X(AUTO_MERGED, "It goes on in another incident: {1}",                                          \
        "Geht in einer anderen Störung weiter: {1}",                                               \
        "Se poursuit dans un autre incident : {1}",                                                \
        "Continúa en otro incidente: {1}",                                                         \
        "已并入另一事件:{1}",                                                                             \
        "يستمر ضمن حادث آخر: {1}")                                                                 \
    /* counts: the forms by the plural categories of the language, between bars */                 \
    X(SPAN_DAY, "# day|# days", "# Tag|# Tage", "# jour|# jours", "# día|# días", "# 天",           \
        "# يوم|يوم واحد|يومان|# أيام|# يومًا|# يوم")                                               \
    X(SPAN_HOUR, "# hour|# hours", "# Stunde|# Stunden", "# heure|# heures", "# hora|# horas",     \
        "# 小时", "# ساعة|ساعة واحدة|ساعتان|# ساعات|# ساعة|# ساعة")                                  \
    X(SPAN_MINUTE, "# minute|# minutes", "# Minute|# Minuten", "# minute|# minutes",               \
        "# minuto|# minutos", "# 分钟", "# دقيقة|دقيقة واحدة|دقيقتان|# دقائق|# دقيقة|# دقيقة")       \
    X(SPAN_SECOND, "# second|# seconds", "# Sekunde|# Sekunden", "# seconde|# secondes",           \
        "# segundo|# segundos", "# 秒", "# ثانية|ثانية واحدة|ثانيتان|# ثوانٍ|# ثانية|# ثانية")      \
    X(BESIDE_DAY, "# day|# days", "# Tag|# Tagen", "# jour|# jours", "# día|# días", "# 天",        \
        "# يوم|يوم واحد|يومين|# أيام|# يومًا|# يوم")                                               \
    X(BESIDE_HOUR, "# hour|# hours", "# Stunde|# Stunden", "# heure|# heures", "# hora|# horas",   \
        "# 小时", "# ساعة|ساعة واحدة|ساعتين|# ساعات|# ساعة|# ساعة")                                  \
    X(BESIDE_MINUTE, "# minute|# minutes", "# Minute|# Minuten", "# minute|# minutes",             \
        "# minuto|# minutos", "# 分钟", "# دقيقة|دقيقة واحدة|دقيقتين|# دقائق|# دقيقة|# دقيقة")       \
    X(BESIDE_SECOND, "# second|# seconds", "# Sekunde|# Sekunden", "# seconde|# secondes",         \
        "# segundo|# segundos", "# 秒", "# ثانية|ثانية واحدة|ثانيتين|# ثوانٍ|# ثانية|# ثانية")      \
    X(AGO, "{1} ago", "vor {1}", "il y a {1}", "hace {1}", "{1}前", "قبل {1}")                      \
    X(JUST_NOW, "just now", "gerade eben", "à l’instant", "ahora mismo", "刚刚", "الآن")             \
    X(COUNT_NETWORKS, "# network reports a problem|# networks report a problem",                   \
        "# Netz meldet ein Problem|# Netze melden ein Problem",                                    \
        "# réseau signale un problème|# réseaux signalent un problème",                            \
        "# red informa de un problema|# redes informan de un problema", "# 个网络报告了问题",              \
        "# شبكة تبلّغ عن مشكلة|شبكة واحدة تبلّغ عن مشكلة|شبكتان تبلّغان عن مشكلة|# شبكات "         \
        "تبلّغ عن مشكلة|# شبكة تبلّغ عن مشكلة|# شبكة تبلّغ عن مشكلة")                              \
    X(COUNT_MORE, "# more|# more", "# weiteres|# weitere", "# autre|# autres", "# más|# más",      \
        "另外 # 个", "# أخرى|واحد آخر|اثنان آخران|# أخرى|# أخرى|# أخرى")                              \
    X(COUNT_WELL, "# system, operational|# systems, all operational",                              \
        "# System, in Betrieb|# Systeme, alle in Betrieb",                                         \
        "# système, opérationnel|# systèmes, tous opérationnels",                                  \
        "# sistema, funciona|# sistemas, todos funcionan", "# 个系统,全部正常",                           \
        "# نظام، الكل يعمل|نظام واحد يعمل|نظامان يعملان|# أنظمة، كلها تعمل|# نظامًا، كلها "        \
        "تعمل|# نظام، كلها تعمل")                                                                  \
    X(COUNT_BAD_DAYS, "# day with a problem|# days with a problem",                                \
        "# Tag mit einem Problem|# Tage mit einem Problem",                                        \
        "# jour avec un problème|# jours avec un problème",                                        \
        "# día con algún problema|# días con algún problema", "# 天出现问题",                           \
        "# يوم بمشكلة|يوم واحد بمشكلة|يومان بمشكلة|# أيام بمشكلة|# يومًا بمشكلة|# يوم بمشكلة")     \
    /* dates: day, month, year; the clock is {4} */                                                \
    X(DATE_FORM, "{1} {2} {3}", "{1}. {2} {3}", "{1} {2} {3}", "{1} de {2} de {3}",                \
        "{3}年{2}{1}日", "{1} {2} {3}")                                                              \
    X(MOMENT_FORM, "{1}, {2} UTC", "{1}, {2} UTC", "{1} à {2} UTC", "{1}, {2} UTC",                \
        "{1} {2} UTC", "{1}، {2} UTC")                                                             \
    X(MONTH_FORM, "{1} {2}", "{1} {2}", "{1} {2}", "{1} de {2}", "{2}年{1}", "{1} {2}")             \
    X(RANGE_FORM, "{1} – {2}", "{1} – {2}", "{1} – {2}", "{1} – {2}", "{1} 至 {2}", "{1} – {2}")    \
    X(MONTH_1, "January", "Januar", "janvier", "enero", "1月", "يناير")                             \
    X(MONTH_2, "February", "Februar", "février", "febrero", "2月", "فبراير")                        \
    X(MONTH_3, "March", "März", "mars", "marzo", "3月", "مارس")                                     \
    X(MONTH_4, "April", "April", "avril", "abril", "4月", "أبريل")                                  \
    X(MONTH_5, "May", "Mai", "mai", "mayo", "5月", "مايو")                                          \
    X(MONTH_6, "June", "Juni", "juin", "junio", "6月", "يونيو")                                     \
    X(MONTH_7, "July", "Juli", "juillet", "julio", "7月", "يوليو")                                  \
    X(MONTH_8, "August", "August", "août", "agosto", "8月", "أغسطس")                                \
    X(MONTH_9, "September", "September", "septembre", "septiembre", "9月", "سبتمبر")                \
    X(MONTH_10, "October", "Oktober", "octobre", "octubre", "10月", "أكتوبر")                       \
    X(MONTH_11, "November", "November", "novembre", "noviembre", "11月", "نوفمبر")                  \
    X(MONTH_12, "December", "Dezember", "décembre", "diciembre", "12月", "ديسمبر")                  \
    /* numbers */                                                                                  \
    X(DECIMAL, ".", ",", ",", ",", ".", ".")                                                       \
    X(PERCENT, "{1}%", "{1} %", "{1} %", "{1} %", "{1}%", "{1}%")                                  \
    X(MILLISECONDS, "{1} ms", "{1} ms", "{1} ms", "{1} ms", "{1} 毫秒", "{1} م.ث")                   \
    X(SECONDS_SHORT, "{1} s", "{1} s", "{1} s", "{1} s", "{1} 秒", "{1} ث")                         \
    X(LIST_COMMA, ", ", ", ", ", ", ", ", "、", "، ")                                               \
    X(LIST_AND, "{1} and {2}", "{1} und {2}", "{1} et {2}", "{1} y {2}", "{1}和{2}", "{1} و{2}")    \
    X(COLON, "{1}: {2}", "{1}: {2}", "{1} : {2}", "{1}: {2}", "{1}:{2}", "{1}: {2}")
