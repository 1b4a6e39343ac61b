"""Issues and reads access tokens (JWT, ES256)."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, JoseError
from joserfc.jwk import ECKey

from palmette_gateway.access.roles import Role
from palmette_gateway.access.signing_key import ALGORITHM, key_id

ISSUER = "palmette"
AUDIENCE = "palmette"
COOKIE = "palmette_token"
CLOCK_SKEW_S = 10
LONGEST = timedelta(days=366)
SUBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,126}")  # it travels in a header


@dataclass(frozen=True)
class Identity:
    """Who calls."""

    subject: str
    role: Role
    expires: datetime


class TokenError(Exception):
    """A token is not valid; the message says why."""


class Tokens:
    """Issues tokens with one key and reads those that the same key signed."""

    def __init__(self, key: ECKey) -> None:
        self._key = key
        self._header = {"alg": ALGORITHM, "kid": key_id(key)}
        self._claims = jwt.JWTClaimsRegistry(
            leeway=CLOCK_SKEW_S,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            sub={"essential": True},
            exp={"essential": True},
        )

    def issue(self, subject: str, role: Role, lifetime: timedelta) -> tuple[str, datetime]:
        """Return a token and when it ends to be valid.

        Raises:
            ValueError: The subject has characters that a header cannot carry.
        """
        if not SUBJECT.fullmatch(subject):
            raise ValueError(f"'{subject}' is no subject: use letters, digits and . _ @ + -, at most 127")
        now = int(time.time())
        expires = now + int(lifetime.total_seconds())
        claims: jwt.Claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "role": role.claim,
            "iat": now,
            "exp": expires,
            "jti": secrets.token_hex(8),
        }
        token = jwt.encode(self._header, claims, self._key, algorithms=[ALGORITHM])
        return token, datetime.fromtimestamp(expires, UTC)

    def identify(self, token: str) -> Identity:
        """Return whom a token stands for.

        Raises:
            TokenError: The token is expired, was signed by another key, or is no token.
        """
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            self._claims.validate(claims)
            return Identity(
                str(claims["sub"]), Role.from_claim(claims.get("role")), datetime.fromtimestamp(claims["exp"], UTC)
            )
        except ExpiredTokenError as error:
            raise TokenError("the token has expired: issue a new one with `palmette auth`") from error
        except BadSignatureError as error:
            raise TokenError("the token's signature is wrong: this suite did not issue it") from error
        except (JoseError, ValueError) as error:
            raise TokenError(f"the token is not valid: {error}") from error
