"""The tables of the one file, and its version."""

from __future__ import annotations

from typing import Final

VERSION: Final = 1

TABLES: Final = """
CREATE TABLE workspace (tenant TEXT NOT NULL, owner TEXT NOT NULL);

CREATE TABLE knowledge_base (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE,
  description TEXT NOT NULL, provider TEXT NOT NULL, permission TEXT NOT NULL,
  technique TEXT, data_source_type TEXT, retrieval_model TEXT, summary_setting TEXT,
  partial_members TEXT NOT NULL DEFAULT '[]', built_in INTEGER NOT NULL DEFAULT 0,
  enable_api INTEGER NOT NULL DEFAULT 1, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);

CREATE TABLE process_rule (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, knowledge_base TEXT NOT NULL,
  mode TEXT NOT NULL, rules TEXT);
CREATE INDEX process_rule_by_base ON process_rule (knowledge_base, number);

CREATE TABLE upload (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, size INTEGER NOT NULL,
  extension TEXT NOT NULL, mime_type TEXT NOT NULL, created_at REAL NOT NULL,
  content BLOB NOT NULL);

CREATE TABLE document (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, knowledge_base TEXT NOT NULL,
  position INTEGER NOT NULL, name TEXT NOT NULL, upload TEXT NOT NULL, rule TEXT NOT NULL,
  batch TEXT NOT NULL, doc_form TEXT NOT NULL, doc_language TEXT NOT NULL,
  created_from TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  status TEXT NOT NULL, generation INTEGER NOT NULL, doubled INTEGER NOT NULL DEFAULT 0,
  wedged INTEGER NOT NULL DEFAULT 0, error TEXT, enabled INTEGER NOT NULL DEFAULT 1,
  disabled_at INTEGER, archived INTEGER NOT NULL DEFAULT 0, locked_until REAL NOT NULL DEFAULT 0,
  word_count INTEGER, tokens INTEGER, metadata TEXT, processing_started_at INTEGER,
  parsing_completed_at INTEGER, cleaning_completed_at INTEGER, splitting_completed_at INTEGER,
  completed_at INTEGER, stopped_at INTEGER, indexing_latency REAL);
CREATE INDEX document_by_position ON document (knowledge_base, position);
CREATE INDEX document_by_age ON document (knowledge_base, created_at DESC, position DESC);
CREATE INDEX document_by_name ON document (knowledge_base, name);
CREATE INDEX document_by_batch ON document (knowledge_base, batch);
CREATE INDEX document_unfinished ON document (number) WHERE status NOT IN ('completed', 'error');

CREATE TABLE segment (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, knowledge_base TEXT NOT NULL,
  document TEXT NOT NULL, position INTEGER NOT NULL, content TEXT NOT NULL, answer TEXT,
  word_count INTEGER NOT NULL, tokens INTEGER NOT NULL DEFAULT 0, keywords TEXT NOT NULL,
  node_id TEXT NOT NULL, node_hash TEXT NOT NULL, enabled INTEGER NOT NULL DEFAULT 1,
  disabled_at INTEGER, status TEXT NOT NULL, created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL, updated_by TEXT, indexing_at INTEGER, completed_at INTEGER);
CREATE INDEX segment_by_document ON segment (document, position, number);
CREATE INDEX segment_by_base ON segment (knowledge_base);
CREATE VIRTUAL TABLE segment_text USING fts5 (
  words, keywords, tokenize = 'porter unicode61 remove_diacritics 2');

CREATE TABLE child_chunk (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, segment TEXT NOT NULL,
  position INTEGER NOT NULL, content TEXT NOT NULL, word_count INTEGER NOT NULL,
  type TEXT NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);
CREATE INDEX child_chunk_by_segment ON child_chunk (segment, position);

CREATE TABLE metadata_field (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, knowledge_base TEXT NOT NULL,
  type TEXT NOT NULL, name TEXT NOT NULL);
CREATE INDEX metadata_field_by_base ON metadata_field (knowledge_base);
CREATE TABLE metadata_binding (
  document TEXT NOT NULL, field TEXT NOT NULL, number INTEGER PRIMARY KEY,
  UNIQUE (document, field));
CREATE INDEX metadata_binding_by_field ON metadata_binding (field);

CREATE TABLE tag (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE);
CREATE TABLE tag_binding (
  tag TEXT NOT NULL, knowledge_base TEXT NOT NULL, PRIMARY KEY (tag, knowledge_base));
"""
