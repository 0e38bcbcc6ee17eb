"""The words by which ``trialwise init`` recognises what an event means, in English, Turkish, German, Spanish and French: data.

Names are compared folded, with and without the marks on their letters. A stem with a ``_`` is looked for anywhere in the name, a
stem of four letters or more at the beginning of a word, and a shorter one must be a whole word; the earlier list wins. Payments
and starts are whole names; those of several words may also begin a longer name (payments: stand anywhere in it).
"""

from __future__ import annotations

from features.names import fold

_STEMS = {
    "payment": """
        subscription_started subscription_created subscription_activated subscribed payment_succeeded payment_completed
        payment_received purchase in_app_purchase purchase_completed order_completed checkout_completed converted
        plan_purchased abonelik_başladı ödeme_alındı zahlung_erhalten abo_abgeschlossen abonelik_başlat satın_alındı
        satın_alma_tamamlandı ödeme_tamamlandı ödeme_başarılı zahlung_erfolgreich zahlung_abgeschlossen kauf_abgeschlossen
        abonnement_gestartet abonniert suscripción_iniciada suscripción_creada suscripción_activada pago_recibido
        pago_realizado pago_completado compra_completada compra_realizada suscrito abonnement_démarré abonnement_souscrit
        abonnement_activé paiement_reçu paiement_effectué paiement_réussi achat_effectué achat_terminé payment_success
        charge_succeeded invoice_paid
    """,
    "start": """
        trial_started trial_start signed_up sign_up signup account_created user_created user_signed_up registered
        deneme_başladı kayıt_oldu testphase_gestartet registriert deneme_başlatıldı kayıt_olundu kayıt_tamamlandı üye_oldu
        hesap_oluşturuldu test_gestartet konto_erstellt registrierung_abgeschlossen prueba_iniciada cuenta_creada
        registro_completado registrado essai_démarré essai_commencé compte_créé inscription_terminée inscrit trial_begun
        start_trial
    """,
    "negative_feedback": """
        thumbs_down dislike downvote complain complaint bug_report şikayet beschwerde memnun_değil olumsuz
        unzufrieden negativ queja no_me_gusta plainte avis_négatif
    """,
    "marketing": """
        campaign newsletter webinar_invite email_opened email_clicked ad_click utm kampanya kampagne bülten
        e_posta_açıldı rundbrief campaña boletín correo_abierto campagne infolettre courriel_ouvert
    """,
    "sales": """
        demo call meeting sales görüşme toplantı termin_ vertrieb arama satış anruf beratung vorführung reunión
        llamada ventas cita réunion appel vente rendez_vous
    """,
    "purchase_intent": """
        pricing upgrade plans billing checkout quote paywall fiyat yükselt preis tarif kauf ücret paket satın_al
        angebot kasse bezahl precio tarifa presupuesto pasarela mejorar_plan prix devis mise_à_niveau forfait
    """,
    "add_on": """
        addon add_on eklenti zusatz ek_paket erweiterung complemento module_complémentaire extension_achet
    """,
    "friction": """
        error failed failure crash exception timeout denied hata fehler başarısız çöktü absturz fehlgeschlagen
        abgelehnt fallo fallido erreur échec échou plantage refus
    """,
    "support": """
        ticket support chat help_center help_request destek hilfe talep yardım anfrage_gesendet soporte ayuda
        incidencia assistance aide billet
    """,
    "positive_feedback": """
        thumbs_up liked like upvote praise beğen gefällt memnun olumlu zufrieden daumen_hoch me_gusta aimé
        avis_positif
    """,
    "collaboration": """
        invite invitation teammate collaborat member_added member_joined team_ davet einlad ekip takım
        mitarbeiter_hinzu eingeladen invita invitación compañero equipo coéquip équipe
    """,
    "advocacy": """
        share refer referral recommend paylaş empfehl geteilt tavsiye öner weiterempf comparti recomend partag
        recommand parrain
    """,
    "community": """
        forum community discussion topluluk gemeinschaft tartışma forumu diskussion comunidad debate communauté
    """,
    "profile": """
        profile avatar photo profil fotoğraf foto perfil photo_de
    """,
    "education": """
        webinar docs documentation tutorial lesson lecture course guide academy video quiz learn eğitim ders
        schulung lektion dokumentation kılavuz belge anleitung kurs lernen lección curso guía aprend leçon cours
        formation apprend didacticiel
    """,
    "session": """
        login logged_in log_in signed_in sign_in session app_open app_opened visit giriş oturum anmeldung sitzung
        oturum_aç uygulama_aç eingeloggt angemeldet app_geöffnet sesión inicio_de_sesión acceso connexion ouverture
    """,
    "milestone": """
        created completed published imported connected integrated finished activated onboarding oluştur tamamla
        erstellt abgeschlossen yayınla bağlandı içe_aktar veröffentlich verbunden importiert fertig cread completad
        publicad conectad importad créé terminé publié connecté importé
    """,
    "core_use": """
        feature used export report dashboard search upload download run edit watch send sent kullan nutzung
        dışa_aktar rapor gösterge ara_yap düzenle gönder indir yükle bericht suche hochgeladen heruntergeladen
        bearbeit gesendet benutzt usad informe búsqueda busca subid descarg edita envia función utilis rapport
        recherche télécharg modifi envoy fonction tableau
    """,
}
BEHAVIOUR_STEMS = {behaviour: tuple(map(fold, words.split())) for behaviour, words in _STEMS.items()}
PAYMENT_STEMS, START_STEMS = BEHAVIOUR_STEMS.pop("payment"), BEHAVIOUR_STEMS.pop("start")
