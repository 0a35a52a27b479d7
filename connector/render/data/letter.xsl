<?xml version="1.0" encoding="UTF-8"?>
<!-- A clinical document as a page: the frame. What it reads besides the document itself are the r: attributes that
     connector/render/html writes beforehand (dates on the clock of the document, images, attached files). -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform" xmlns:v3="urn:hl7-org:v3"
                xmlns:r="urn:dmp-connector:render" exclude-result-prefixes="v3 r">
  <xsl:include href="labels.xsl"/>
  <xsl:include href="people.xsl"/>
  <xsl:include href="header.xsl"/>
  <xsl:include href="narrative.xsl"/>
  <xsl:include href="media.xsl"/>
  <xsl:include href="entries.xsl"/>

  <xsl:output method="html" encoding="UTF-8" indent="no"/>
  <!-- what the address of an attached file begins with; empty: they are not linked to -->
  <xsl:param name="link" select="''"/>

  <xsl:template match="/">
    <xsl:apply-templates select="v3:ClinicalDocument"/>
  </xsl:template>

  <xsl:template match="v3:ClinicalDocument">
    <html lang="fr">
      <head>
        <meta charset="utf-8"/>
        <meta http-equiv="Content-Security-Policy"
              content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"/>
        <meta name="referrer" content="no-referrer"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <title>
          <xsl:call-template name="title"/>
        </title>
        <style/>
      </head>
      <body>
        <xsl:call-template name="banner"/>
        <div class="cards">
          <xsl:call-template name="patient"/>
          <xsl:call-template name="stay"/>
          <xsl:call-template name="writers"/>
          <xsl:call-template name="readers"/>
        </div>
        <main>
          <xsl:if test="v3:languageCode/@code">
            <xsl:attribute name="lang"><xsl:value-of select="v3:languageCode/@code"/></xsl:attribute>
          </xsl:if>
          <xsl:apply-templates select="v3:component/v3:structuredBody/v3:component/v3:section"/>
          <xsl:apply-templates select="v3:component/v3:nonXMLBody"/>
        </main>
        <xsl:call-template name="others"/>
        <footer>
          <p>Dates et heures <xsl:value-of select="@r:clock"/>. Identifiant du document : <xsl:apply-templates select="v3:id[1]" mode="oid"/></p>
        </footer>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="title">
    <xsl:choose>
      <xsl:when test="normalize-space(v3:title)"><xsl:value-of select="normalize-space(v3:title)"/></xsl:when>
      <xsl:when test="v3:code/@displayName"><xsl:value-of select="v3:code/@displayName"/></xsl:when>
      <xsl:otherwise>Document médical</xsl:otherwise>
    </xsl:choose>
  </xsl:template>

  <xsl:template match="v3:section">
    <xsl:param name="level" select="2"/>
    <section>
      <xsl:element name="h{$level}">
        <xsl:choose>
          <xsl:when test="normalize-space(v3:title)"><xsl:apply-templates select="v3:title" mode="said"/></xsl:when>
          <xsl:otherwise><xsl:call-template name="section-title"/></xsl:otherwise>
        </xsl:choose>
      </xsl:element>
      <xsl:for-each select="v3:author">
        <p class="aside">Rédigé par <xsl:apply-templates select="v3:assignedAuthor" mode="inline"/></p>
      </xsl:for-each>
      <xsl:apply-templates select="v3:text"/>
      <xsl:apply-templates select="v3:entry" mode="unplaced"/>
      <xsl:call-template name="unsaid"/>
      <xsl:apply-templates select="v3:component/v3:section">
        <xsl:with-param name="level" select="$level + ($level &lt; 6)"/>
      </xsl:apply-templates>
    </section>
  </xsl:template>

  <xsl:template name="section-title">
    <xsl:choose>
      <xsl:when test="normalize-space(v3:title)"><xsl:value-of select="normalize-space(v3:title)"/></xsl:when>
      <xsl:when test="v3:code/@displayName"><xsl:value-of select="v3:code/@displayName"/></xsl:when>
      <xsl:otherwise>Section sans titre</xsl:otherwise>
    </xsl:choose>
  </xsl:template>
</xsl:stylesheet>
