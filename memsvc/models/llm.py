"""Asks a language model for JSON of a schema, through litellm."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Literal

import jsonschema
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from memsvc.breaker import CircuitBreaker, Outcome
from memsvc.errors import (
    ModelMalformed,
    ModelRateLimited,
    ModelRefused,
    ModelTruncated,
    ModelUnavailable,
    ModelUnusable,
)
from memsvc.models.remote import is_passing, load_litellm
from memsvc.models.retry_after import retry_after
from memsvc.types import ChatMessage, Completion, ModelUsage

SchemaMode = Literal["auto", "json_schema", "json_object", "none"]
RETRY_SECONDS = 5.0
"""What a caller is told to wait when neither the endpoint nor the circuit says."""
_NOT_UNDERSTOOD = (400, 422)
_SERVER_ERROR = 500
_FENCED = re.compile(r"^\s*```(?:json)?\s*(.*?)\s*```\s*$", re.DOTALL)


class LitellmModel:
    """Implements `ports.LanguageModel` for any provider litellm knows and any server that speaks OpenAI's chat API.

    Args:
        model: litellm's name, such as `openai/gpt-4o-mini`.
        api_base: base URL of the endpoint; None for the provider's own.
        api_key: key of the endpoint; None uses the provider's environment variable, or no key with an `api_base`.
        timeout: seconds for one attempt.
        concurrency: calls at once; further ones wait.
        schema_mode: how the schema is sent. `json_schema` is OpenAI's `response_format`; `json_object` carries the
            schema beside the type, as llama.cpp's servers take it; `none` says it in the prompt. `auto` tries them in
            that order, going on when the endpoint answers that it does not understand, and keeps to what worked.
        attempts: tries of a call, when the endpoint is overloaded, failing or out of reach.
        retry_seconds: no further try starts later than this after the first one.
        max_backoff: longest pause between tries, in seconds, unless the endpoint asks for a longer one.
        breaker: refuses calls while the endpoint is down.
    """

    def __init__(
        self,
        model: str,
        *,
        api_base: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        concurrency: int = 4,
        schema_mode: SchemaMode = "auto",
        attempts: int = 3,
        retry_seconds: float = 120.0,
        max_backoff: float = 8.0,
        breaker: CircuitBreaker | None = None,
    ) -> None:
        self._litellm = load_litellm()
        self._model = model
        self._api_base = api_base
        self._api_key = api_key or ("none" if api_base else None)
        self._timeout = timeout
        self._slots = asyncio.Semaphore(concurrency)
        supported = self._litellm.get_supported_openai_params(model=model) or []
        self._temperature = {"temperature": 0.0} if "temperature" in supported else {}
        self._forms = _forms(schema_mode, "response_format" in supported)
        self._attempts = attempts
        self._retry_seconds = retry_seconds
        self._backoff = wait_random_exponential(multiplier=0.5, max=max_backoff)
        self._breaker = breaker or CircuitBreaker(threshold=3, seconds=30.0)
        # Every class of litellm.exceptions derives from one of the openai package; the others mean a malformed answer.
        self._failures = (import_module("openai").OpenAIError, OSError, ValueError, TypeError, KeyError, LookupError)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model

    async def complete(
        self, messages: Sequence[ChatMessage], schema: Mapping[str, Any], *, max_tokens: int
    ) -> Completion:
        """Answer with an object that matches the JSON `schema`, in at most `max_tokens` of the model's tokens.

        Raises:
            ModelUnavailable: LLM_UNAVAILABLE: every attempt failed, the call was refused, or the circuit is open.
            ModelRateLimited: the endpoint asks to slow down, for longer than the tries last.
            ModelRefused: it would not answer.
            ModelMalformed: no JSON, or not of the schema.
            ModelTruncated: the question is longer than the model takes, or the answer than `max_tokens`.
        """
        async with self._slots:
            wait = self._breaker.admit()
            if wait:
                raise self._unavailable("CircuitOpen", wait)
            outcome = Outcome.ABANDONED
            try:
                completion = await self._answer(messages, schema, max_tokens)
                outcome = Outcome.ANSWERED
            except ModelUnavailable:
                outcome = Outcome.FAILED
                raise
            except ModelUnusable:
                outcome = Outcome.ANSWERED
                raise
            finally:
                self._breaker.settle(outcome)
            return completion

    async def _answer(self, messages: Sequence[ChatMessage], schema: Mapping[str, Any], max_tokens: int) -> Completion:
        try:
            response = await self._in_some_form(messages, schema, max_tokens)
            return self._read(response, schema)
        except self._failures as error:
            # Only the class of the cause: its text may hold the key or the texts, and so would a traceback.
            failure = self._failure(error)
        raise failure

    async def _in_some_form(self, messages: Sequence[ChatMessage], schema: Mapping[str, Any], max_tokens: int) -> Any:
        """Ask in the first form that the endpoint understands, and keep to it from then on."""
        forms = self._forms
        for position, form in enumerate(forms):
            try:
                response: Any = await self._retrying()(self._request, form, messages, schema, max_tokens)
            except self._failures as error:
                if position + 1 < len(forms) and self._is_not_understood(error):
                    continue
                raise
            if len(forms[position:]) < len(self._forms):
                self._forms = forms[position:]
            return response
        raise AssertionError("unreachable: the last form returns or raises")

    async def _request(
        self, form: str, messages: Sequence[ChatMessage], schema: Mapping[str, Any], max_tokens: int
    ) -> Any:
        async with asyncio.timeout(self._timeout):
            return await self._litellm.acompletion(
                model=self._model,
                messages=_spoken(messages, schema if form == "none" else None),
                api_base=self._api_base,
                api_key=self._api_key,
                timeout=self._timeout,
                max_tokens=max_tokens,
                max_retries=0,
                **self._temperature,
                **_response_format(form, schema),
            )

    def _retrying(self) -> AsyncRetrying:
        return AsyncRetrying(
            retry=retry_if_exception(lambda error: is_passing(error) and not _names_the_format(error)),
            stop=stop_after_attempt(self._attempts) | stop_before_delay(self._retry_seconds),
            wait=self._pause,
            reraise=True,
        )

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(self._backoff(state), retry_after(error) or 0.0)

    def _is_not_understood(self, error: BaseException) -> bool:
        telling = (self._litellm.ContextWindowExceededError, self._litellm.ContentPolicyViolationError)
        status = getattr(error, "status_code", None)
        return (status in _NOT_UNDERSTOOD and not isinstance(error, telling)) or _names_the_format(error)

    def _failure(self, error: BaseException) -> ModelUnavailable | ModelUnusable:
        cause = type(error).__name__
        if isinstance(error, self._litellm.ContextWindowExceededError):
            return ModelTruncated(f"the question is longer than {self._model} takes", metadata={"cause": cause})
        if isinstance(error, self._litellm.ContentPolicyViolationError):
            return ModelRefused(f"the provider of {self._model} refused the question", metadata={"cause": cause})
        if isinstance(error, self._litellm.RateLimitError):
            wait = retry_after(error) or RETRY_SECONDS
            return ModelRateLimited(
                f"the endpoint of {self._model} asks to slow down", metadata={"cause": cause}, retry_after=wait
            )
        return self._unavailable(cause, RETRY_SECONDS)

    def _unavailable(self, cause: str, wait: float) -> ModelUnavailable:
        return ModelUnavailable(
            f"the language model {self._model} is not available: {cause}", metadata={"cause": cause}, retry_after=wait
        )

    def _read(self, response: Any, schema: Mapping[str, Any]) -> Completion:
        usage = self._usage(response)
        choice = response.choices[0]
        if _refusal(choice):
            raise ModelRefused(f"{self._model} refused to answer", usage=usage)
        if choice.finish_reason == "length":
            raise ModelTruncated(f"the answer of {self._model} was cut short", usage=usage)
        value = _parsed(choice.message.content or "")
        if not isinstance(value, dict) or not jsonschema.Draft202012Validator(dict(schema)).is_valid(value):
            raise ModelMalformed(f"{self._model} did not answer with JSON of the schema", usage=usage)
        return Completion(value, usage)

    def _usage(self, response: Any) -> ModelUsage:
        counted = getattr(response, "usage", None)
        try:
            cost, unpriced = float(self._litellm.completion_cost(response, model=self._model)), 0
        except (self._litellm.exceptions.ModelNotMappedError, *self._failures):
            cost, unpriced = 0.0, 1
        return ModelUsage(
            call_count=1,
            prompt_token_count=int(getattr(counted, "prompt_tokens", 0) or 0),
            completion_token_count=int(getattr(counted, "completion_tokens", 0) or 0),
            cost_usd=cost,
            unpriced_call_count=unpriced,
        )


def _names_the_format(error: BaseException) -> bool:
    """Whether a 500 is about `response_format`: llama-cpp-python's server answers one to a type it does not know."""
    return getattr(error, "status_code", None) == _SERVER_ERROR and "response_format" in str(error)


def _forms(mode: SchemaMode, takes_format: bool) -> tuple[str, ...]:
    if mode != "auto":
        return (mode,)
    return ("json_schema", "json_object", "none") if takes_format else ("none",)


def _response_format(form: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    if form == "none":
        return {}
    if form == "json_object":
        return {"response_format": {"type": "json_object", "schema": dict(schema)}}
    wrapped = {"name": "answer", "schema": dict(schema), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": wrapped}}


def _spoken(messages: Sequence[ChatMessage], schema: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """The messages as the API takes them; with a schema, the first one says it."""
    spoken = [{"role": message.role, "content": message.content} for message in messages]
    if schema is not None:
        spoken[0]["content"] += "\n\nAnswer with JSON alone, of this JSON Schema:\n" + json.dumps(schema)
    return spoken


def _refusal(choice: Any) -> bool:
    message = choice.message
    told = getattr(message, "provider_specific_fields", None) or {}
    return bool(told.get("refusal") or getattr(message, "refusal", None)) or choice.finish_reason == "content_filter"


def _parsed(content: str) -> Any:
    """The JSON value of a text, which may stand in a Markdown fence; None when there is none."""
    fenced = _FENCED.match(content)
    try:
        return json.loads(fenced[1] if fenced else content)
    except (ValueError, RecursionError):
        return None
