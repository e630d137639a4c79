"""The conformance kit: is your client streamproof?"""
