// Words of the pages: X(key, English, German, French, Spanish, Chinese, Arabic). {1} is a value.
#pragma once

#define WORDS_PAGE_MAP(X)                                                                          \
    /* the frame */                                                                                \
    X(TITLE_STATUS, "{1} status", "Status von {1}", "État de {1}", "Estado de {1}", "{1} 状态",      \
        "حالة {1}")                                                                                \
    X(TITLE_OF, "{1} – {2}", "{1} – {2}", "{1} – {2}", "{1} – {2}", "{1} – {2}", "{1} – {2}")      \
    X(SKIP, "Skip to the content", "Zum Inhalt springen", "Aller au contenu", "Ir al contenido",   \
        "跳到正文", "تخطَّ إلى المحتوى")                                                               \
    X(AS_OF, "As of {1}", "Stand: {1}", "État au {1}", "Estado a las {1}", "截至 {1}", "حتى {1}")    \
    X(UPDATED, "Updated {1}", "Aktualisiert {1}", "Mis à jour {1}", "Actualizado {1}", "{1}更新",    \
        "حُدّث {1}")                                                                               \
    X(STALE, "Careful: this was last updated {1}. What has happened since is not shown.",          \
        "Achtung: zuletzt {1} aktualisiert. Was seither geschah, ist nicht zu sehen.",             \
        "Attention : dernière mise à jour {1}. Ce qui s’est passé depuis n’apparaît pas.",         \
        "Atención: última actualización {1}. Lo ocurrido desde entonces no se muestra.",           \
        "注意:最后更新于 {1}。此后的变化未显示。", "تنبيه: آخر تحديث {1}. ما حدث بعد ذلك لا يظهر هنا.")             \
    X(NOT_WRITTEN,                                                                                 \
        "The history cannot be saved at the moment. What you see is current, but may be "          \
        "missing from it later.",                                                                  \
        "Die Historie kann zurzeit nicht gespeichert werden. Was Sie sehen, ist aktuell, kann "    \
        "dort aber später fehlen.",                                                                \
        "L’historique ne peut pas être enregistré pour le moment. Ce que vous voyez est à "        \
        "jour, mais pourra y manquer plus tard.",                                                  \
        "El historial no se puede guardar en este momento. Lo que ve es actual, pero puede "       \
        "faltar en él más adelante.", "目前无法保存历史记录。您看到的是最新状态,但日后的记录中可能缺失。",                         \
        "يتعذر حفظ السجل حاليًا. ما تراه محدَّث، لكنه قد يغيب عن السجل لاحقًا.")                   \
    X(CHANGED, "The page has changed: {1}", "Die Seite hat sich geändert: {1}",                    \
        "La page a changé : {1}", "La página ha cambiado: {1}", "页面已更新:{1}",                       \
        "تغيّرت الصفحة: {1}")                                                                      \
    /* components */                                                                               \
    X(SYSTEMS, "Systems", "Systeme", "Systèmes", "Sistemas", "系统", "الأنظمة")                      \
    X(SINCE, "since {1}", "seit {1}", "depuis le {1}", "desde el {1}", "自 {1} 起", "منذ {1}")       \
    X(CAUSED_BY, "Fails together with {1}", "Fällt zusammen mit {1} aus", "En panne avec {1}",     \
        "Falla junto con {1}", "因 {1} 故障而受影响", "تعطّل مع {1}")                                     \
    X(SERVERS, "Servers", "Server", "Serveurs", "Servidores", "服务器", "الخوادم")                    \
    X(VISITORS, "Visitors", "Besucher", "Visiteurs", "Visitantes", "访客", "الزوّار")                \
    X(SERVERS_HELP, "Share of the time in which its servers answered",                             \
        "Anteil der Zeit, in der seine Server antworteten",                                        \
        "Part du temps pendant laquelle ses serveurs ont répondu",                                 \
        "Parte del tiempo en que sus servidores respondieron", "服务器有响应的时间比例",                      \
        "نسبة الوقت الذي استجابت فيه الخوادم")                                                     \
    X(VISITORS_HELP, "Share of visitors’ requests that were answered, copies included",            \
        "Anteil der beantworteten Anfragen von Besuchern, auch aus Kopien",                        \
        "Part des requêtes de visiteurs ayant reçu une réponse, copies comprises",                 \
        "Parte de las peticiones de visitantes respondidas, incluidas las copias",                 \
        "访客请求得到响应的比例(含副本)", "نسبة طلبات الزوّار التي أُجيبت، بما فيها النسخ")                      \
    X(UPTIME, "Uptime", "Verfügbarkeit", "Disponibilité", "Disponibilidad", "可用率", "التوافر")      \
    X(IN_90_DAYS, "90 days", "90 Tage", "90 jours", "90 días", "90 天", "90 يومًا")                 \
    X(NO_DATA, "no data yet", "noch keine Daten", "pas encore de données", "aún sin datos",        \
        "暂无数据", "لا بيانات بعد")                                                                   \
    X(BARS, "The last 90 days: {1}", "Die letzten 90 Tage: {1}", "Les 90 derniers jours : {1}",    \
        "Los últimos 90 días: {1}", "过去 90 天:{1}", "آخر 90 يومًا: {1}")                            \
    X(RESPONSE_TIME, "Response time", "Antwortzeit", "Temps de réponse", "Tiempo de respuesta",    \
        "响应时间", "زمن الاستجابة")                                                                   \
    X(LEGEND_UP, "No problem", "Kein Problem", "Aucun problème", "Sin problemas", "无问题",           \
        "بلا مشاكل")                                                                               \
    X(LEGEND_SOME, "Short problem", "Kurzes Problem", "Problème bref", "Problema breve", "短暂问题",   \
        "مشكلة قصيرة")                                                                             \
    X(LEGEND_DOWN, "Long outage", "Langer Ausfall", "Longue panne", "Caída larga", "长时间中断",        \
        "انقطاع طويل")                                                                             \
    X(LEGEND_UNKNOWN, "Not known", "Nicht bekannt", "Inconnu", "Desconocido", "未知", "غير معروف")   \
    X(REPORTS_POSSIBLE, "Some visitors may have a problem",                                        \
        "Einige Besucher haben vielleicht ein Problem",                                            \
        "Certains visiteurs ont peut-être un problème",                                            \
        "Puede que algunos visitantes tengan un problema", "部分访客可能遇到问题",                           \
        "قد يواجه بعض الزوّار مشكلة")                                                              \
    X(REPORTS_PROBLEM, "Visitors report a problem", "Besucher melden ein Problem",                 \
        "Des visiteurs signalent un problème", "Los visitantes informan de un problema",           \
        "访客报告了问题", "أبلغ الزوّار عن مشكلة")                                                        \
    X(AFFECTED, "I’m affected", "Ich bin betroffen", "Je suis concerné", "Me afecta", "我受到影响",     \
        "أنا متأثر")                                                                               \
    X(AFFECTED_HELP, "Does something not work for you? Say so: no account, no cookie.",            \
        "Funktioniert etwas bei Ihnen nicht? Sagen Sie es uns: ohne Konto, ohne Cookie.",          \
        "Quelque chose ne fonctionne pas chez vous ? Dites-le : sans compte ni cookie.",           \
        "¿Algo no le funciona? Díganoslo: sin cuenta ni cookies.", "遇到问题?请告诉我们:无需账号,不用 Cookie。",   \
        "هل هناك ما لا يعمل لديك؟ أخبرنا: بلا حساب وبلا ملفات ارتباط.")                            \
    X(REPORT_CHOOSE, "Does something not work for you? Say so on the page of that system.",        \
        "Funktioniert etwas bei Ihnen nicht? Sagen Sie es auf der Seite des betroffenen "          \
        "Systems.",                                                                                \
        "Quelque chose ne fonctionne pas chez vous ? Dites-le sur la page du système concerné.",   \
        "¿Algo no le funciona? Díganoslo en la página del sistema afectado.",                      \
        "遇到问题?请在相应系统的页面上告诉我们。", "هل هناك ما لا يعمل لديك؟ أخبرنا في صفحة النظام المعني.")          \
    /* incidents and maintenance */                                                                \
    X(OPEN_INCIDENTS, "Current incidents", "Aktuelle Störungen", "Incidents en cours",             \
        "Incidentes en curso", "当前事件", "الحوادث الجارية")                                          \
    X(RECENT_INCIDENTS, "Last 14 days", "Letzte 14 Tage", "14 derniers jours",                     \
        "Últimos 14 días", "最近 14 天", "آخر 14 يومًا")                                              \
    X(NO_RECENT, "No incidents in the last 14 days.",                                              \
        "Keine Störungen in den letzten 14 Tagen.", "Aucun incident ces 14 derniers jours.",       \
        "Ningún incidente en los últimos 14 días.", "最近 14 天没有事件。", "لا حوادث في آخر 14 يومًا.")   \
    X(BEGAN, "Began", "Beginn", "Début", "Inicio", "开始", "البداية")                                \
    X(ENDED, "Resolved", "Behoben", "Résolu", "Resuelto", "解决", "الحل")                            \
    X(DURATION, "Duration", "Dauer", "Durée", "Duración", "持续时间", "المدة")                         \
    X(EXPECTED, "Expected back", "Voraussichtlich behoben", "Retour prévu", "Vuelta prevista",     \
        "预计恢复", "العودة المتوقعة")                                                                 \
    X(AFFECTS, "Affected", "Betroffen", "Concerné", "Afectado", "受影响", "المتأثر")                  \
    X(ALL_SYSTEMS, "All systems", "Alle Systeme", "Tous les systèmes", "Todos los sistemas",       \
        "所有系统", "جميع الأنظمة")                                                                    \
    X(UPDATES, "Updates", "Meldungen", "Mises à jour", "Actualizaciones", "最新进展", "التحديثات")     \
    X(ALL_UPDATES, "All updates", "Alle Meldungen", "Toutes les mises à jour",                     \
        "Todas las actualizaciones", "全部进展", "جميع التحديثات")                                     \
    X(POSTMORTEM, "What happened", "Was geschehen ist", "Ce qui s’est passé", "Qué ocurrió",       \
        "事后分析", "ما الذي حدث")                                                                     \
    X(MAINTENANCE_NOW, "Maintenance under way", "Laufende Wartung", "Maintenance en cours",        \
        "Mantenimiento en curso", "正在维护", "صيانة جارية")                                           \
    X(MAINTENANCE_COMING, "Planned maintenance", "Geplante Wartung", "Maintenance prévue",         \
        "Mantenimiento previsto", "计划维护", "صيانة مخطط لها")                                        \
    X(ZONE, "Planned in the time of {1}", "Geplant in der Zeit von {1}",                           \
        "Prévu à l’heure de {1}", "Previsto en la hora de {1}", "按 {1} 时间计划",                      \
        "مخطط لها بتوقيت {1}")                                                                     \
    X(REPEATS, "Repeats", "Wiederholt sich", "Se répète", "Se repite", "重复", "تتكرر")              \
    /* history */                                                                                  \
    X(HISTORY, "Incident history", "Frühere Störungen", "Historique des incidents",                \
        "Historial de incidentes", "历史事件", "سجل الحوادث")                                          \
    X(NO_INCIDENTS, "No incidents in this month.", "Keine Störungen in diesem Monat.",             \
        "Aucun incident ce mois-ci.", "Ningún incidente en este mes.", "本月没有事件。",                  \
        "لا حوادث في هذا الشهر.")                                                                  \
    X(EARLIER, "Earlier", "Früher", "Plus tôt", "Anterior", "更早", "أقدم")                          \
    X(LATER, "Later", "Später", "Plus tard", "Posterior", "更晚", "أحدث")                            \
    X(PAGES, "Pages", "Seiten", "Pages", "Páginas", "页面", "الصفحات")                               \
    X(PAGE_OF, "Page {1} of {2}", "Seite {1} von {2}", "Page {1} sur {2}", "Página {1} de {2}",    \
        "第 {1} 页,共 {2} 页", "صفحة {1} من {2}")                                                      \
    X(PREVIOUS, "Previous", "Zurück", "Précédente", "Anterior", "上一页", "السابقة")                  \
    X(NEXT, "Next", "Weiter", "Suivante", "Siguiente", "下一页", "التالية")                           \
    /* a component */                                                                              \
    X(RANGE, "Period", "Zeitraum", "Période", "Periodo", "时间范围", "الفترة")                         \
    X(RANGE_DAY, "24 hours", "24 Stunden", "24 heures", "24 horas", "24 小时", "24 ساعة")            \
    X(RANGE_WEEK, "7 days", "7 Tage", "7 jours", "7 días", "7 天", "7 أيام")                        \
    X(RANGE_QUARTER, "90 days", "90 Tage", "90 jours", "90 días", "90 天", "90 يومًا")              \
    X(CHART_RESPONSES, "Response times", "Antwortzeiten", "Temps de réponse",                      \
        "Tiempos de respuesta", "响应时间", "أزمنة الاستجابة")                                         \
    X(CHART_UPTIME, "Uptime", "Verfügbarkeit", "Disponibilité", "Disponibilidad", "可用率",           \
        "التوافر")                                                                                 \
    X(TYPICAL, "Typical", "Typisch", "Habituel", "Habitual", "典型", "المعتاد")                      \
    X(SLOWEST, "Slowest", "Am langsamsten", "Le plus lent", "Más lento", "最慢", "الأبطأ")           \
    X(CHART_SAYS, "From {1} to {2}", "Von {1} bis {2}", "De {1} à {2}", "De {1} a {2}",            \
        "{1} 至 {2}", "من {1} إلى {2}")                                                             \
    X(AS_TABLE, "The same as a table", "Dasselbe als Tabelle", "La même chose en tableau",         \
        "Lo mismo en una tabla", "以表格显示", "البيانات نفسها في جدول")                                \
    X(TIME, "Time (UTC)", "Zeit (UTC)", "Heure (UTC)", "Hora (UTC)", "时间 (UTC)", "الوقت (UTC)")    \
    X(NO_POINTS, "There are no measurements of this time yet.",                                    \
        "Aus dieser Zeit gibt es noch keine Messungen.",                                           \
        "Il n’y a pas encore de mesures pour cette période.",                                      \
        "Aún no hay mediciones de este periodo.", "此时段尚无测量数据。", "لا قياسات لهذه الفترة بعد.")      \
    X(LAST_SEEN, "Last checked", "Zuletzt geprüft", "Dernière vérification",                       \
        "Última comprobación", "最后检查", "آخر فحص")                                                  \
    X(LATEST_INCIDENTS, "Incidents", "Störungen", "Incidents", "Incidentes", "事件", "الحوادث")      \
    X(CHANGES, "What changed", "Was sich geändert hat", "Ce qui a changé", "Qué ha cambiado",      \
        "状态变化", "ما الذي تغيّر")                                                                   \
    X(CHANGE, "{1} → {2}", "{1} → {2}", "{1} → {2}", "{1} → {2}", "{1} → {2}", "{1} ← {2}")        \
    X(CHANGES_ALL, "All changes of the last 90 days:", "Alle Änderungen der letzten 90 Tage:",     \
        "Tous les changements des 90 derniers jours :",                                            \
        "Todos los cambios de los últimos 90 días:", "过去 90 天的所有变化:",                      \
        "جميع التغييرات في آخر 90 يومًا:")                                                         \
    /* footer */                                                                                   \
    X(CURRENT_STATUS, "Current status", "Aktueller Stand", "État actuel", "Estado actual",         \
        "当前状态", "الحالة الحالية")                                                                  \
    X(FEED, "Atom feed", "Atom-Feed", "Flux Atom", "Canal Atom", "Atom 订阅源", "موجز Atom")          \
    X(CALENDAR, "Maintenance calendar", "Wartungskalender", "Calendrier des maintenances",         \
        "Calendario de mantenimiento", "维护日历", "تقويم الصيانة")                                    \
    X(SUBSCRIBE, "Subscribe", "Abonnieren", "S’abonner", "Suscribirse", "订阅", "اشتراك")            \
    X(SUPPORT, "Support", "Hilfe", "Assistance", "Soporte", "支持", "الدعم")                         \
    X(OPERATORS, "For operators", "Für Betreiber", "Pour les opérateurs", "Para operadores",       \
        "管理入口", "للمشغّلين")                                                                       \
    X(LANGUAGE, "Language", "Sprache", "Langue", "Idioma", "语言", "اللغة")                          \
    /* messages */                                                                                 \
    X(NOT_FOUND_TITLE, "There is no such page", "Diese Seite gibt es nicht",                       \
        "Cette page n’existe pas", "Esta página no existe", "没有此页面", "لا توجد صفحة كهذه")          \
    X(NOT_FOUND_TEXT, "It may be over and forgotten, or the address is mistyped.",                 \
        "Vielleicht ist es vorbei und vergessen, oder die Adresse ist falsch geschrieben.",        \
        "C’est peut-être terminé et oublié, ou l’adresse est mal écrite.",                         \
        "Puede que ya haya terminado y se haya olvidado, o que la dirección esté mal escrita.",    \
        "它可能已结束并被清除,或者地址有误。", "ربما انتهى الأمر وحُذف، أو كُتب العنوان خطأً.")                     \
    X(METHOD_TITLE, "This page can only be read", "Diese Seite lässt sich nur lesen",              \
        "Cette page ne peut qu’être lue", "Esta página solo se puede leer", "此页面只能读取",             \
        "هذه الصفحة للقراءة فقط")                                                                  \
    X(METHOD_TEXT, "Nothing has been changed.", "Es wurde nichts geändert.",                       \
        "Rien n’a été modifié.", "No se ha cambiado nada.", "未作任何更改。", "لم يتغيّر شيء.")           \
    X(BUSY_TITLE, "Many people are looking just now", "Gerade schauen sehr viele nach",            \
        "Beaucoup de monde consulte cette page", "Mucha gente está mirando ahora", "目前访问人数过多",     \
        "كثيرون يطّلعون الآن")                                                                     \
    X(BUSY_TEXT, "Please try again in a moment.", "Bitte versuchen Sie es gleich noch einmal.",    \
        "Veuillez réessayer dans un instant.", "Vuelva a intentarlo en un momento.", "请稍后再试。",     \
        "يرجى المحاولة بعد لحظات.")                                                                \
    X(FAULT_TITLE, "This did not work", "Das hat nicht geklappt", "Cela n’a pas fonctionné",       \
        "Esto no ha funcionado", "操作未成功", "لم ينجح ذلك")                                           \
    X(FAULT_TEXT, "Please try again later.", "Bitte versuchen Sie es später noch einmal.",         \
        "Veuillez réessayer plus tard.", "Vuelva a intentarlo más tarde.", "请稍后重试。",               \
        "يرجى المحاولة لاحقًا.")                                                                   \
    X(REPORT_COUNTED_TITLE, "Thank you", "Danke", "Merci", "Gracias", "谢谢", "شكرًا لك")            \
    X(REPORT_COUNTED, "Your report has been counted.", "Ihre Meldung wurde gezählt.",              \
        "Votre signalement a été compté.", "Su aviso se ha contado.", "您的报告已计入。",                  \
        "احتُسب بلاغك.")                                                                           \
    X(REPORT_REPEATED, "A report from your network has been counted already.",                     \
        "Eine Meldung aus Ihrem Netz wurde schon gezählt.",                                        \
        "Un signalement de votre réseau a déjà été compté.",                                       \
        "Ya se ha contado un aviso de su red.", "您所在网络的报告已计入。", "احتُسب بلاغ من شبكتك من قبل.")    \
    X(REPORT_EXPIRED, "The form was too old. Please load the page again and report from there.",   \
        "Das Formular war zu alt. Bitte laden Sie die Seite neu und melden Sie es von dort.",      \
        "Le formulaire était trop ancien. Rechargez la page et recommencez.",                      \
        "El formulario era demasiado antiguo. Vuelva a cargar la página e inténtelo de nuevo.",    \
        "表单已过期。请重新加载页面后再报告。", "انتهت صلاحية النموذج. أعد تحميل الصفحة ثم أبلغ من جديد.")           \
    X(REPORT_REFUSED, "This report cannot be counted.",                                            \
        "Diese Meldung kann nicht gezählt werden.", "Ce signalement ne peut pas être compté.",     \
        "Este aviso no se puede contar.", "此报告无法计入。", "لا يمكن احتساب هذا البلاغ.")
