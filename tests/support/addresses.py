"""Addresses in Chinese text, and where they end: the page links what the translator keeps."""

from typing import Final

URLS_AMONG_CHINESE: Final = {
    "看https://a.example/b吧": "https://a.example/b",
    "https://a.example/看看": "https://a.example/",
    "https://a.example/x/看看，好的": "https://a.example/x/",
    "https://a.example/中文/路径?x=1 这里": "https://a.example/中文/路径?x=1",
    "去https://a.example/搜索?q=苹果": "https://a.example/搜索?q=苹果",
    "https://a.example/s?q=苹果&l=zh。": "https://a.example/s?q=苹果&l=zh",
    "see https://zh.wikipedia.example/wiki/北京 for more": "https://zh.wikipedia.example/wiki/北京",
    "https://a.example/s?q=苹果好吃，对吧": "https://a.example/s?q=",
}
