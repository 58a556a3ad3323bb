"""Django settings. Every value a person may change comes from the environment (see README, "Settings")."""

import sys
from pathlib import Path

from . import environment, security
from .environment import BASE_DIR, HOME, address, choice, env, flag, number

environment.read_run_env()

# --- Modes -----------------------------------------------------------------------------------------------------------
STRIPE_MODE = environment.stripe_mode()
SANDBOX_MODE = STRIPE_MODE == "sandbox"
DEBUG = flag("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default=environment.DEFAULT_SECRET_KEY)
PORT = number("PORT", 8000, low=1, high=65535)
INSTAINSTRU_HOME = HOME
BIND = env.str("BIND", default="127.0.0.1")
WEB_WORKERS = number("WEB_WORKERS", 2, low=1, high=64)
WEB_THREADS = number("WEB_THREADS", 8, low=1, high=256)
SITE_URL = address("SITE_URL", ("https", "http"), f"http://127.0.0.1:{PORT}")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["*"] if SANDBOX_MODE else [])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- Stripe ----------------------------------------------------------------------------------------------------------
STRIPE_API_VERSION = "2026-08-26.dahlia"
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default=environment.SANDBOX_SECRET_KEY if SANDBOX_MODE else "")
STRIPE_PUBLISHABLE_KEY = env.str(
    "STRIPE_PUBLISHABLE_KEY", default=environment.SANDBOX_PUBLISHABLE_KEY if SANDBOX_MODE else ""
)
STRIPE_SANDBOX_PORT = number("STRIPE_SANDBOX_PORT", min(PORT + 1, 65535), low=1, high=65535)
_sandbox_base = f"http://127.0.0.1:{STRIPE_SANDBOX_PORT}" if SANDBOX_MODE else ""
STRIPE_API_BASE: str | None = address("STRIPE_API_BASE", ("http", "https"), _sandbox_base) or None
STRIPE_JS_URL = f"{STRIPE_API_BASE}/v3/" if STRIPE_API_BASE else "https://js.stripe.com/v3/"
STRIPE_TIMEOUT_SECONDS = number("STRIPE_TIMEOUT_SECONDS", 20, low=1, high=80)
STRIPE_REQUESTS_PER_SECOND = number("STRIPE_REQUESTS_PER_SECOND", 80 if not SANDBOX_MODE else 400, low=1, high=10_000)
environment.refuse_unsafe(
    mode=STRIPE_MODE,
    secret_key=SECRET_KEY,
    debug=DEBUG,
    stripe_key=STRIPE_SECRET_KEY,
    stripe_api_base=STRIPE_API_BASE,
)
STRIPE_LIVE_MODE = STRIPE_MODE == "live"
STRIPE_LIVE_SECRET_KEY = STRIPE_SECRET_KEY if STRIPE_LIVE_MODE else ""
STRIPE_TEST_SECRET_KEY = "" if STRIPE_LIVE_MODE else STRIPE_SECRET_KEY
if STRIPE_API_BASE:
    STRIPE_API_HOST = STRIPE_API_BASE  # dj-stripe's own client
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
DJSTRIPE_WEBHOOK_EVENT_CALLBACK = "payments.webhook_inbox.receive"
SILENCED_SYSTEM_CHECKS = [
    "djstripe.W002",  # the sandbox has an address of its own; settings refuse one outside sandbox mode
    None,  # dj-stripe's only warning without a name: that the callback below has a successor
    "djstripe.W005",  # the callback keeps dj-stripe from re-fetching objects inside the webhook's transaction
]

# --- The booking mutex -----------------------------------------------------------------------------------------------
REDIS_URL = address("REDIS_URL", ("redis", "rediss"), "")
BOOKING_MUTEX = choice(
    "BOOKING_MUTEX",
    ("redis", "postgres", "off") if REDIS_URL else ("postgres", "off"),
    "redis" if REDIS_URL else "postgres",
)

# --- Applications ----------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "instainstru",  # for its management commands
    "django.forms",  # its widgets, for forms drawn by our own templates
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "support.apps.DeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.headless",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_filters",
    "django_q",
    "djstripe",
    "common",
    "accounts",
    "catalog",
    "credits",
    "payments",
    "packages",
    "bookings",
    "community",
    "support",
    "pages",
    "sandbox_mode",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "instainstru.security.PermissionsPolicy",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "pages.member.entrance.Entrance",
    "django_structlog.middlewares.RequestMiddleware",
    "accounts.audited.AuditMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "instainstru.urls"
WSGI_APPLICATION = "instainstru.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "pages.viewer.context",
            ],
        },
    },
]

# --- Database --------------------------------------------------------------------------------------------------------
DATABASES = {"default": environment.database()}
DATABASE_WAIT_SECONDS = number("DATABASE_WAIT_SECONDS", 20, low=0, high=3600)  # how long `make run` waits for it
DATABASES["default"]["CONN_MAX_AGE"] = 60
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"]["ATOMIC_REQUESTS"] = False  # Stripe is never called inside a transaction
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIGRATION_MODULES = {"djstripe": "payments.djstripe_migrations"}
CACHES = {
    # In the database, so that all workers know of a one-time code that was used.
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "shared_cache"},
    # Where the job cluster says that it lives; in the database, so that every process on every machine can read it.
    "jobs": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "job_cluster_status"},
}

# --- People ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "catalog.sign_up.SignUpForm"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_VERIFICATION_SUPPORTS_RESEND = True
ACCOUNT_PASSWORD_RESET_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_CHANGE_EMAIL = True  # one address each; the new one counts once it is verified
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_RATE_LIMITS = MFA_RATE_LIMITS = False  # ours are counted in PostgreSQL: accounts/rate_limits.py
MFA_ADAPTER = "accounts.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "InstaInstru"
MFA_TOTP_TOLERANCE = 1  # clocks of telephones are half a minute off, and people type slowly
HEADLESS_ONLY = True
HEADLESS_CLIENTS = ["app"]
HEADLESS_FRONTEND_URLS = {"account_signup": f"{SITE_URL}/signup"}
HEADLESS_TOKEN_STRATEGY = "accounts.tokens.Strategy"  # noqa: S105
HEADLESS_JWT_ALGORITHM = "HS256"
HEADLESS_JWT_PRIVATE_KEY = environment.token_key(mode=STRIPE_MODE, secret_key=SECRET_KEY)
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True  # a token is as good as its session: ending one ends the other
HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = 60 * number("ACCESS_TOKEN_MINUTES", 15, low=1, high=1440)
HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = SESSION_COOKIE_AGE = 14 * 24 * 3600
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = (
    []
    if SANDBOX_MODE
    else [
        {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
        {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    ]
)
LOGIN_URL, LOGIN_REDIRECT_URL, ACCOUNT_LOGOUT_REDIRECT_URL = "account_login", "start", "/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not SANDBOX_MODE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if flag("TRUST_PROXY", default=False) else None
SECURE_HSTS_SECONDS = 0 if SANDBOX_MODE else number("SECURE_HSTS_SECONDS", 31_536_000, low=0, high=63_072_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {"DIRECTIVES": security.content_security_policy(STRIPE_API_BASE)}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440  # a larger body is 413
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT", default=not SANDBOX_MODE)
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]  # load balancers and `make run` ask over plain HTTP

# --- Time, language, files -------------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-us"
USE_I18N = False
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(HOME / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}

# --- Mail ------------------------------------------------------------------------------------------------------------
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="InstaInstru <hello@instainstru.example>")
SUPPORT_EMAIL = env.str("SUPPORT_EMAIL", default="support@instainstru.example")
EMAIL_CONFIG = environment.mail(f"filemail:///{HOME / 'mail'}")
vars().update(EMAIL_CONFIG)
vars().update(environment.mail_service())

# --- Jobs: django-q2 with the ORM broker -----------------------------------------------------------------------------
# The lease (retry) starts when a task is fetched, so a worker never fetches more than it runs, and the lease is much
# longer than the longest a task may run: no task is ever handed out twice while it runs.
JOB_TIMEOUT_SECONDS = 240
Q_CLUSTER = {
    "name": "instainstru",
    "orm": "default",
    "broker_class": "instainstru.heartbeat.Broker",
    "cache": "jobs",
    "guard_cycle": 1,
    "workers": number("JOB_WORKERS", 2, low=1, high=64),
    "bulk": 1,
    "queue_limit": number("JOB_WORKERS", 2, low=1, high=64),
    "timeout": JOB_TIMEOUT_SECONDS,
    "retry": JOB_TIMEOUT_SECONDS * 3,
    "max_attempts": 5,
    "poll": 0.2,
    "catch_up": False,
    "save_limit": 1000,
    "label": "Jobs",
}

# --- API -------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.tokens.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "accounts.problem_responses.exception_handler",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
}
RATE_LIMITS_PER_MINUTE = {
    "read": number("RATE_READ_PER_MINUTE", 120, low=1, high=1_000_000),
    "write": number("RATE_WRITE_PER_MINUTE", 30, low=1, high=1_000_000),
    "money": number("RATE_MONEY_PER_MINUTE", 5, low=1, high=1_000_000),
    "login": number("RATE_LOGIN_PER_MINUTE", 10, low=1, high=1_000_000),
}
# Following a conversation holds a thread of the web server: at most so many a process, each for so long.
CONVERSATION_STREAMS = number("CONVERSATION_STREAMS", max(1, WEB_THREADS // 2), low=0, high=1000)
CONVERSATION_STREAM_SECONDS = number("CONVERSATION_STREAM_SECONDS", 25, low=0, high=25)
SPECTACULAR_SETTINGS = {
    "TITLE": "InstaInstru API",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Book a lesson, pay safely, teach and get paid. Money is integer US cents, times are UTC.",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "POSTPROCESSING_HOOKS": ["instainstru.openapi_hooks.complete"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- The admin's face (support/site.py) ------------------------------------------------------------------------------
UNFOLD: dict[str, object] = {
    "SITE_TITLE": "InstaInstru support",
    "SITE_HEADER": "InstaInstru support",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": ["support.look.style"],
    "SIDEBAR": {"show_search": True, "navigation": "support.look.navigation"},
}

FOUR_EYES_ABOVE_CENTS = number("FOUR_EYES_ABOVE_CENTS", 20_000, low=0, high=100_000_000)
METRICS_TOKEN = env.str("METRICS_TOKEN", default="sandbox-metrics" if SANDBOX_MODE else "")

# --- Logs: JSON lines, never with local variables or secrets ---------------------------------------------------------
TESTING = "pytest" in sys.modules
from .logs import configure as _configure_logs  # noqa: E402

LOGGING = _configure_logs(
    level=choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "WARNING" if TESTING else "INFO")
)
