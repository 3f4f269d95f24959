"""The deployment's signing key: where it lies, reading it, making one; and the checkpoints it signs.

Belongs here: files, permissions, the environment. Does not belong here: what is signed (models.billing.proof).

`signing` in lineshaft.yaml names a `key_file`, or a `key_env` variable that holds the PEM; without either the key is
`keys/signing-key.pem` in the home, if it is there. Beside a private key lie the public ones, the replaced ones too.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.errors import DeploymentError, NotReadyError
from orchestration.settings import Deployment

if TYPE_CHECKING:
    from models.billing.proof.checkpoints import SignedCheckpoint
    from models.billing.proof.signing import Signer

UNSIGNED = "not signed: this deployment has no signing key; `lineshaft keys create` makes one"


@dataclass(frozen=True, kw_only=True)
class CreatedKey:
    """A new key: its id and where its two halves lie."""

    key_id: str
    private_key: Path
    public_key: Path


def signing_key_path(deployment: Deployment) -> Path:
    """Where the private key lies, or would."""
    return deployment.signing.key_file or deployment.home / "keys" / "signing-key.pem"


def find_signer(deployment: Deployment) -> Signer | None:
    """The deployment's signer; None where it has no key and names none.

    Raises:
        DeploymentError: the key that lineshaft.yaml names is missing, or others may read it.
        SigningKeyError: it is no signing key.
    """
    from models.billing.proof.signing import read_signer

    variable = deployment.signing.key_env
    if variable is not None:
        if not os.environ.get(variable):
            raise DeploymentError(f"The environment variable {variable} holds no signing key; set it to the key's PEM.")
        return read_signer(os.environ[variable].encode())
    path = signing_key_path(deployment)
    if not path.is_file():
        if deployment.signing.key_file is not None:
            raise DeploymentError(f"There is no signing key {path}; `lineshaft keys create` makes one.")
        return None
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DeploymentError(f"Others may read the signing key {path}; `chmod 600` it, or replace it.")
    return read_signer(path.read_bytes())


def create_signing_key(deployment: Deployment, *, is_replacing: bool = False) -> CreatedKey:
    """A new key on disk, for its owner alone (mode 600); the public halves of earlier keys stay.

    Raises:
        NotReadyError: there is one already and it is not to be replaced.
        DeploymentError: the key comes from the environment.
    """
    from models.billing.proof.signing import create_private_key, key_id, public_key_pem, read_signer

    if deployment.signing.key_env is not None:
        raise DeploymentError(
            f"The signing key comes from {deployment.signing.key_env}; make it where that is set, or drop key_env."
        )
    path = signing_key_path(deployment)
    if path.exists() and not is_replacing:
        raise NotReadyError(f"There is a signing key {path}; `lineshaft keys create --replace` makes a new one.")
    pem = create_private_key()
    public_key = read_signer(pem).public_key
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    public_path = path.with_name(f"{key_id(public_key)}.pub.pem")
    public_path.write_bytes(public_key_pem(public_key))
    beside = path.with_name(f".{path.name}.{key_id(public_key)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return CreatedKey(key_id=key_id(public_key), private_key=path, public_key=public_path)


def make_checkpoints(deployment: Deployment) -> tuple[SignedCheckpoint, ...]:
    """The checkpoints of all days that are over and had none; none is made twice."""
    from models.billing.proof.checkpoints import make_missing_checkpoints
    from models.store import open_store, sessions

    engine = open_store(deployment.database_url)
    try:
        with sessions(engine).begin() as session:
            return make_missing_checkpoints(session, now=datetime.now(UTC), signer=find_signer(deployment))
    finally:
        engine.dispose()
